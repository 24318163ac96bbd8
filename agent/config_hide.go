package main

import (
	"regexp"
	"strings"

	"roagent/fieldmap/strictyaml"
)

var (
	// keyAndSign is a word with a colon or an equals sign behind it: what follows is its value.
	keyAndSign = regexp.MustCompile(`([\pL\pN_ .-]+)["']?[ \t]*[:=]`)
	// secretWord is in the names of keys under which people put passwords, well or badly spelt.
	secretWord = regexp.MustCompile(`(?i)pass|pas+w|pwd|psw|ssw|secret|tok|cred|auth|apikey|api_key|user ?id|^uid$`)
	// userInfo is the user and password of a URL.
	userInfo = regexp.MustCompile(`://\S*@`)
	// signerKey is a collector's private key, which somebody took for its public one.
	signerKey = regexp.MustCompile(`PRIVATE\+KEY\+[^\s"']*`)
	// keyLine begins with a key.
	keyLine = regexp.MustCompile(`^\s*(- )?["']?[\pL\pN_]+["']?\s*:`)
)

// hidden is what problems show in the place of a secret.
const hidden = "…"

// hideSecrets returns a configuration's text as problems may quote it: whatever could be a bare password is left out,
// wherever a slip of the pen has put it. The places of all that stays are unchanged.
func hideSecrets(source []byte) []byte {
	lines := strings.Split(string(source), "\n")
	under, open := -1, false // the indentation of a key with a secret value; its value has not begun yet
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		blank := strings.TrimSpace(line) == ""
		if under >= 0 && !blank && (indent > under || open && !keyLine.MatchString(line)) {
			lines[i], open = hidden, false
			continue
		}
		if blank {
			continue
		}
		under, open = -1, false
		if at := secretAt(line); at >= 0 {
			under, open = indent, strings.Trim(line[at:], " \t\r|>-+") == ""
			lines[i] = line[:at] + " " + hidden
			continue
		}
		lines[i] = signerKey.ReplaceAllString(userInfo.ReplaceAllString(line, "://"+hidden+"@"), hidden)
	}
	return []byte(strings.Join(lines, "\n"))
}

// secretAt returns where the value of the first key that names a secret begins in a line, or -1.
func secretAt(line string) int {
	for _, m := range keyAndSign.FindAllStringSubmatchIndex(line, -1) {
		if namesSecret(strings.TrimSpace(line[m[2]:m[3]])) {
			return m[1]
		}
	}
	return -1
}

// namesSecret reports whether something of that name may be a password.
func namesSecret(name string) bool {
	return secretWord.MatchString(name) || strictyaml.Closest(name, []string{"password", "token", "secret", "credential"}) != ""
}
