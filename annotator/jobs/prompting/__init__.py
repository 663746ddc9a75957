"""The interactive lane: a second child process that answers a person's clicks with masks, so that training never delays one."""
