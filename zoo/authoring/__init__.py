"""What an author of plugins needs: a distribution to start from, and checks of one."""
