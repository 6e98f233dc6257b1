"""Tools as operators meet them: what there is, whether one is fit, trying one, their page, and a new one."""
