package main

import (
	"crypto/sha1"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

const connections = 16

// fetchWorker gets files from a web server with 16 connections and writes them: fetch URL LIST DIR, with the paths in the file LIST. What is not there is passed over.
func fetchWorker(args []string) error {
	list, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	var g errgroup.Group
	g.SetLimit(connections)
	for path := range strings.FieldsSeq(string(list)) {
		g.Go(func() error {
			return fetchFile(client, args[0]+"/"+path, filepath.Join(args[2], filepath.FromSlash(path)))
		})
	}
	return g.Wait()
}

func fetchFile(client *http.Client, url, file string) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode == http.StatusNotFound {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o666)
}

// hashWorker reads and hashes all files below a directory, one after the other: hash DIR.
func hashWorker(args []string) error {
	sum := sha1.New()
	return filepath.WalkDir(args[0], func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		sum.Reset()
		sum.Write(text)
		sum.Sum(nil)
		return err
	})
}
