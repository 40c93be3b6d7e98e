package peer

import (
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// invalidTx says why a file does not hold a channel configuration transaction.
func invalidTx(format string, args ...any) error {
	return fmt.Errorf("Invalid channel create transaction : "+format, args...)
}

// readConfigTx reads the file that -f names.
func readConfigTx(file string) (*tx.Envelope, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("channel create configuration tx file not found %w", err)
	}
	e, err := tx.ParseEnvelope(raw)
	if err != nil {
		return nil, invalidTx("bad payload: %w", err)
	}
	return e, nil
}

// signConfigTx adds signer's signature to a configuration update and signs the envelope around it. An empty channel takes the one that
// the update names.
func signConfigTx(e *tx.Envelope, channel string, signer tx.Signer) (*commonpb.Envelope, error) {
	switch {
	case e.Type() != commonpb.HeaderType_CONFIG_UPDATE:
		return nil, invalidTx("bad type")
	case e.ChannelID() == "":
		return nil, invalidTx("empty channel id")
	case channel != "" && e.ChannelID() != channel:
		return nil, invalidTx("mismatched channel ID %s != %s", e.ChannelID(), channel)
	}
	update := &commonpb.ConfigUpdateEnvelope{}
	if err := proto.Unmarshal(e.Data, update); err != nil {
		return nil, invalidTx("Bad config update env")
	}
	header, err := tx.NewHeader(signer, nil, &commonpb.ChannelHeader{})
	if err != nil {
		return nil, err
	}
	signature, err := signer.Sign(append(append([]byte{}, header.SignatureHeader...), update.ConfigUpdate...))
	if err != nil {
		return nil, fmt.Errorf("signing the configuration update: %w", err)
	}
	update.Signatures = append(update.Signatures, &commonpb.ConfigSignature{SignatureHeader: header.SignatureHeader, Signature: signature})
	return tx.NewEnvelope(signer, &commonpb.ChannelHeader{
		Type:      int32(commonpb.HeaderType_CONFIG_UPDATE),
		Timestamp: timestamppb.New(time.Now()),
		ChannelId: e.ChannelID(),
	}, update)
}

// writeMessage writes an encoded message to a file.
func writeMessage(file string, m proto.Message, mode os.FileMode) error {
	raw, err := wire.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(file, raw, mode)
}

var errNoConfigTx = errors.New("Invalid channel create transaction : No configtx file name supplied")
