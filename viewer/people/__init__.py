"""Says who may come in: invitations and new passwords by one-time links, roles, single sign-on."""
