// Package look is how this project's pages look: one stylesheet, and the few helpers that their templates share. A page needs no
// script, and no style of its own: they are served with a policy that allows neither.
package look
