package collector

import "slices"

// Patterns are the paths that are served.
func (h *Handler) Patterns() []string { return slices.Clone(h.patterns) }
