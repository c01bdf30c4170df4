package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"prophet/internal/terminal"
)

// maxEdited is the size in bytes of the largest text that is read back from an editor.
const maxEdited = 64 << 20

// errEmptied says that the user left nothing of a text, which is how one takes back an edit.
var errEmptied = errors.New("the text is empty: nothing was changed")

// edit lets the user edit a text in VISUAL, EDITOR or vi, and gives what came of it to use. If anything
// fails after the editor, the user's text stays in its file, and the error says where; but nothing is kept of an emptied one.
func (e *env) edit(text string, use func(edited string) error) error {
	path, err := editFile(text)
	if err != nil {
		return fmt.Errorf("make a file to edit: %w", err)
	}
	editor := cmp.Or(e.Getenv("VISUAL"), e.Getenv("EDITOR"), "vi")
	if err := e.Exec("sh", "-c", editor+` "$1"`, "sh", path); err != nil {
		os.Remove(path)
		return withHint(fmt.Errorf("editor %s: %w", editor, err), "VISUAL or EDITOR names the editor")
	}
	edited, err := readEdited(path)
	if err == nil {
		err = use(edited)
	}
	if errors.Is(err, errEmptied) {
		os.Remove(path)
		return err
	}
	if err != nil {
		return withHint(err, "your text is kept in %s", path)
	}
	_ = os.Remove(path) // the edit is done, whatever becomes of its file
	return nil
}

// editFile writes the text to a new file that only the user can read. It is a real file whatever env.Fs is, because the editor is a program.
func editFile(text string) (string, error) {
	f, err := os.CreateTemp("", "prophet-*.txt")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return f.Name(), err
}

func readEdited(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > maxEdited {
		return "", fmt.Errorf("the edited text has %s, more than %s", terminal.Size(info.Size()), terminal.Size(maxEdited))
	}
	text, err := os.ReadFile(path)
	return string(text), err
}
