package supervisor

// PathError is a path that cannot be used as it is.
type PathError struct{ Path, Why string }

func (e *PathError) Error() string { return e.Path + ": " + e.Why }

// AccountError says that there is no such account. Only the service's own is made.
type AccountError struct{ Name string }

func (e *AccountError) Error() string { return "there is no account " + e.Name }

// LooseError is a folder or file that others may use, with the command that mends it.
type LooseError struct{ Path, Why, Command string }

func (e *LooseError) Error() string { return e.Path + ": " + e.Why }

// EndedError is a service that ended while it was started, with what its manager knows of it.
type EndedError struct{ Why string }

func (e *EndedError) Error() string {
	if e.Why == "" {
		return "it ended at once"
	}
	return "it ended at once: " + e.Why
}
