package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"roagent/upload"
)

// credentialCommand has what is done to the passwords and tokens that credential:NAME names.
type credentialCommand struct {
	Set    credentialSetCommand    `cmd:"" help:"Keep a password or token: asked for without echo, or read from standard input."`
	List   credentialListCommand   `cmd:"" help:"Tell which credentials there are and which are missing. Never shows one."`
	Delete credentialDeleteCommand `cmd:"" help:"Delete a credential."`
}

// credentialFolder is where the credentials of a store are, one file each. It belongs to the service's account alone.
func credentialFolder(dataDir string) string { return filepath.Join(dataDir, "credentials") }

// saveCredential keeps a secret in the store's folder, at once and whole. A service that runs takes it at its next piece of
// work.
func saveCredential(dataDir, name, secret string) error {
	sealed, err := sealCredential([]byte(secret))
	if err != nil {
		return err
	}
	dir := credentialFolder(dataDir)
	if err := upload.MakeFolder(dir); err != nil {
		return fmt.Errorf("make the folder for credentials: %w", err)
	}
	if err := placeFile(filepath.Join(dir, name), sealed, 0o600, true); err != nil {
		return fmt.Errorf("keep the credential: %w", err)
	}
	return nil
}

// credentials returns the names that the store's folder has, and those that systemd gives this process, with where they are.
func credentials(dataDir string) (map[string]string, error) {
	found := map[string]string{}
	for _, dir := range []string{credentialFolder(dataDir), os.Getenv("CREDENTIALS_DIRECTORY")} {
		if dir == "" {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("list the credentials: %w", err)
		}
		for _, e := range entries {
			if credentialName.MatchString(e.Name()) {
				found[e.Name()] = filepath.Join(dir, e.Name())
			}
		}
	}
	return found, nil
}

// credentialUses tells which keys of the configuration name which credential.
func (c *Config) credentialUses() map[string][]string {
	uses := map[string][]string{}
	for _, use := range []struct {
		key    string
		secret Secret
	}{{"dms.password", c.DMS.Password}, {"collector.token", c.Collector.Token}} {
		if use.secret.kind == credentialSecret {
			uses[use.secret.name] = append(uses[use.secret.name], use.key)
		}
	}
	return uses
}

// checkCredentialName refuses what cannot be a credential's name. It is not repeated: a person may have typed the secret.
func checkCredentialName(name string) error {
	if !credentialName.MatchString(name) {
		return &usageError{"a credential's name has only letters, digits, - and _, at most 64", "write it as roagent.yaml does: credential:dms has the name dms"}
	}
	return nil
}
