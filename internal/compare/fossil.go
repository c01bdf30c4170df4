package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"time"

	"prophet/internal/workload"
)

// fossilURL is where the Fossil repository of the history is served, by Fossil, until the bench ends.
func (s *scene) fossilURL(ctx context.Context) (string, error) {
	if s.fossilAt != "" {
		return s.fossilAt, nil
	}
	repository, err := s.history().tickets(ctx)
	if err != nil {
		return "", err
	}
	address, err := freeAddress()
	if err != nil {
		return "", err
	}
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.CommandContext(ctx, s.programs.fossil.path, "server", "--localhost", "--port", port, repository)
	cmd.Env, cmd.Dir = s.environment(), filepath.Dir(repository)
	if err := cmd.Start(); err != nil {
		return "", err
	}
	s.ends = append(s.ends, func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if err := listens(address); err != nil {
		return "", err
	}
	s.fossilAt = "http://" + address
	return s.fossilAt, nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// listens waits until somebody does.
func listens(address string) error {
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(end) {
			return fmt.Errorf("the server of Fossil does not answer: %w", err)
		}
	}
}

// addTicket makes a ticket of what the changeset makes.
func (s *scene) addTicket(repository string, c workload.Changeset) command {
	words := []string{"ticket", "add", "-R", repository}
	for p, name := range workload.FossilFields {
		words = append(words, name, c.Values[p])
	}
	return s.fossil(words...)
}
