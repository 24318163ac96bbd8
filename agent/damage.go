package main

import (
	"context"
	"errors"
	"fmt"

	"roagent/fieldmap"
	"roagent/upload"
)

// work opens the store for what reads or sends, and closes it. Where the queue turns out to be damaged it is set aside and
// rebuilt, and fn is called again.
func (p *program) work(ctx context.Context, fn func(*site) error) error {
	s, err := p.openWorking(ctx)
	if err != nil {
		return err
	}
	err = fn(s)
	s.close()
	if corrupt, ok := errors.AsType[*upload.CorruptError](err); ok {
		if err := p.rebuild(corrupt); err != nil {
			return err
		}
		if s, err = p.openWorking(ctx); err != nil {
			return err
		}
		defer s.close()
		return fn(s)
	}
	return err
}

// openWorking opens the store for what reads or sends. A damaged queue is rebuilt, and a rebuilt one learns what the
// collector holds, or nothing is read and nothing sent: it could have been sent before.
func (p *program) openWorking(ctx context.Context) (*site, error) {
	s, err := p.openSite()
	if corrupt, ok := errors.AsType[*upload.CorruptError](err); ok {
		if err := p.rebuild(corrupt); err != nil {
			return nil, err
		}
		s, err = p.openSite()
	}
	if err != nil {
		return nil, err
	}
	if err := s.takeOver(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// rebuild sets the damaged queue aside, and says so.
func (p *program) rebuild(damage *upload.CorruptError) error {
	config, err := LoadConfig(p.config)
	if err != nil {
		return err
	}
	queue := upload.NewQueue(config.DataDir, config.Dealer.ID)
	queue.Logger = p.logger(config.Log.Level, config.Log.Format)
	queue.Program, queue.Clock = agentVersion(), p.clock
	rebuilt, err := queue.Rebuild(damage)
	if err == nil {
		fmt.Fprintln(p.stderr, "roagent:", rebuilt)
	}
	return err
}

// takeOver has the collector tell a rebuilt queue what it holds.
func (s *site) takeOver(ctx context.Context) error {
	awaits, err := s.queue.Awaits()
	if err != nil || !awaits {
		return err
	}
	sender, err := s.sender()
	if err != nil {
		return err
	}
	if _, err := sender.TakeOver(ctx); err != nil {
		return fmt.Errorf("the queue was rebuilt and must learn what the collector holds before anything is read or sent: %w", err)
	}
	return nil
}

// anewWeeks returns the weeks that were taken over from the collector and must be read from their beginning.
func anewWeeks(queue *upload.Queue) ([]fieldmap.Week, error) {
	weeks, err := queue.Weeks()
	return weeksWhere(weeks, func(w upload.WeekStatus) bool { return w.Anew }), err
}
