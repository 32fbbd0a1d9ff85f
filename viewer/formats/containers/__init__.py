"""Takes files apart into JSON documents, whatever they are packed in, in constant memory."""
