package fleet

import (
	"encoding/json"
	"errors"

	"roagent/upload"
)

// parseHeartbeat reads what it can of what an agent told last. Agents of several versions send it, so each member may be missing. A member of another type is left out: it is some other version's.
func parseHeartbeat(raw []byte) (h upload.Status, ok bool) {
	if len(raw) == 0 {
		return h, false
	}
	err := json.Unmarshal(raw, &h)
	_, other := errors.AsType[*json.UnmarshalTypeError](err)
	return h, err == nil || other
}
