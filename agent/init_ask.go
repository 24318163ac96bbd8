package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// asker asks a person at a terminal.
type asker struct {
	from   io.Reader
	lines  *bufio.Reader
	out    io.Writer
	secret func() (string, error) // reads a line that is not shown
}

func newAsker(from io.Reader, out io.Writer) *asker {
	a := &asker{from: from, lines: bufio.NewReader(from), out: out}
	a.secret = a.line
	if f, ok := from.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		a.secret = func() (string, error) {
			b, err := term.ReadPassword(int(f.Fd()))
			fmt.Fprintln(out)
			return string(b), err
		}
	}
	return a
}

func (a *asker) line() (string, error) {
	text, err := a.lines.ReadString('\n')
	if err != nil && text == "" {
		return "", err
	}
	return strings.TrimRight(text, "\r\n"), nil
}

// ask asks until the answer can be right.
func (a *asker) ask(q question, known answers, dir string) error {
	for {
		fmt.Fprint(a.out, q.prompt)
		if q.otherwise != "" {
			fmt.Fprintf(a.out, " [%s]", q.otherwise)
		}
		fmt.Fprint(a.out, ": ")
		read := a.line
		if q.secret {
			read = a.secret
		}
		text, err := read()
		if err != nil {
			return &usageError{"there is no answer any more: nothing was written", ""}
		}
		known[q.key] = q.tidied(cmp.Or(text, q.otherwise))
		if err = q.check(known, dir); err == nil {
			return nil
		}
		delete(known, q.key)
		fmt.Fprintf(a.out, "  %v\n", err)
	}
}

// choose asks for one of some things by its number. otherwise is the one that an empty answer means.
func (a *asker) choose(what string, names []string, otherwise int) (int, error) {
	fmt.Fprintf(a.out, "%s:\n", what)
	for i, name := range names {
		fmt.Fprintf(a.out, "  %d  %s\n", i+1, printable(name))
	}
	for {
		fmt.Fprintf(a.out, "Which one? [%d]: ", otherwise+1)
		text, err := a.line()
		if err != nil {
			return 0, &usageError{"there is no answer any more: nothing was written", ""}
		}
		n, err := strconv.Atoi(cmp.Or(strings.TrimSpace(text), strconv.Itoa(otherwise+1)))
		if err == nil && n >= 1 && n <= len(names) {
			return n - 1, nil
		}
		fmt.Fprintf(a.out, "  type a number from 1 to %d\n", len(names))
	}
}
