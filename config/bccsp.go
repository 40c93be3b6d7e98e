package config

// BCCSP is the crypto provider. Only the software provider exists here.
type BCCSP struct {
	Default string `key:"Default"`
	SW      SW     `key:"SW"`
}

// SW is the software crypto provider.
type SW struct {
	Hash     string `key:"Hash"`
	Security int    `key:"Security"` // bits

	// KeyTables is how many public keys that sign often have a table, of a quarter of a MiB each, with which verifying takes a fifth of the time.
	// Heddle's own; 0 verifies with Go's crypto/ecdsa alone.
	KeyTables int `key:"KeyTables"`

	FileKeyStore FileKeyStore `key:"FileKeyStore"`
}

// defaultKeyTables is enough for the endorsers of a large network and its busiest clients.
const defaultKeyTables = 128

// FileKeyStore is where private keys lie; empty means the MSP's own keystore folder.
type FileKeyStore struct {
	KeyStore string `key:"KeyStore,path"`
}
