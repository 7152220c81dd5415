package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTheProgramWorksItsJobAndAgainOnTheSameFiles runs it as a newcomer does, twice in one folder.
func TestTheProgramWorksItsJobAndAgainOnTheSameFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	server, err := filepath.Abs("../../../.venv/bin")
	if err != nil {
		t.Fatal(err)
	}
	program := folder + "/first_job"
	if built, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, built)
	}
	for range 2 {
		command := exec.Command(program)
		command.Dir = folder
		command.Env = append(os.Environ(), "PATH="+server+":"+os.Getenv("PATH"))
		said, err := command.CombinedOutput()
		if err != nil || string(said) != "Hello, Ada! This is attempt 1.\nCOMPLETED\n" {
			t.Fatalf("%v\n%s", err, said)
		}
	}
}
