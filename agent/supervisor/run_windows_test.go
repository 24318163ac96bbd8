package supervisor

import (
	"context"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/windows/svc"
)

// live lives a service's whole life, with the requests of its manager, and returns the states that it reported, each once.
func live(t *testing.T, work func(context.Context, *Pulse) error, requests ...svc.Cmd) (states []svc.State, code uint32) {
	t.Helper()
	asked, told, over := make(chan svc.ChangeRequest), make(chan svc.Status), make(chan uint32)
	h := &handler{ctx: t.Context(), work: work, dies: func(error) {}}
	go func() {
		_, code := h.Execute(nil, asked, told)
		over <- code
	}()
	for {
		select {
		case status := <-told:
			if !slices.Contains(states, status.State) {
				states = append(states, status.State)
			}
			if status.State == svc.Running && len(requests) > 0 {
				go func(c svc.Cmd) { asked <- svc.ChangeRequest{Cmd: c} }(requests[0])
				requests = requests[1:]
			}
		case code := <-over:
			return states, code
		}
	}
}

func TestServiceRunsWhenItsWorkIsReady(t *testing.T) {
	states, code := live(t, func(ctx context.Context, p *Pulse) error {
		p.Ready()
		<-ctx.Done()
		return nil
	}, svc.Stop)
	if want := []svc.State{svc.StartPending, svc.Running, svc.StopPending}; !slices.Equal(states, want) || code != 0 {
		t.Errorf("states %v, want %v; exit code %d", states, want, code)
	}
}

// A start that fails must never look like one that succeeded: an installer would not take it back.
func TestServiceThatFailsToStartNeverRuns(t *testing.T) {
	states, code := live(t, func(context.Context, *Pulse) error { return errors.New("the data folder is another dealer's") })
	if want := []svc.State{svc.StartPending}; !slices.Equal(states, want) || code != 1 {
		t.Errorf("states %v, want %v; exit code %d", states, want, code)
	}
}
