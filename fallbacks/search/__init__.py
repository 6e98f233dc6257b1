"""Finding tickets by words and by what became of them: those that live and those that ended, as one."""
