package wiretest_test

import (
	"testing"

	"roagent/upload/collector/wiretest"
)

func TestTheDescriptionIsValid(t *testing.T) { wiretest.Open(t) }
