package upload

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// Holder says which process has a queue open. It is advisory: the lock itself is on the database file.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

func writeHolder(path string) error {
	command := os.Args[0]
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		command += " " + os.Args[1] // the command's name; further arguments may hold anything
	}
	text, err := json.Marshal(Holder{PID: os.Getpid(), Command: command, Since: time.Now().Truncate(time.Second)})
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

// readHolder returns the zero Holder where the file is missing, half written or not ours: it only serves a message.
func readHolder(path string) Holder {
	var h Holder
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}
