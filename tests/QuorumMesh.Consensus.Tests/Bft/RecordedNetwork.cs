using System.Globalization;
using System.Text.Json;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>Messages that real nodes of GoQuorum sent, with the keys that signed them.</summary>
internal sealed record RecordedNetwork(
    BftProtocol Protocol, IReadOnlyList<BftIdentity> Validators, IReadOnlyList<RecordedMessage> Messages)
{
    private const string IbftFile = "goquorum/ibft4-2.5.0/ibft-messages.json";
    private const string QbftFolder = "goquorum/qbft4-24.4.1/qbft-messages/";

    /// <summary>IBFT 1.0 of 2.5.0, with a round change.</summary>
    public static RecordedNetwork Ibft()
    {
        using var file = JsonDocument.Parse(Vectors.ReadText(IbftFile));
        var keys = file.RootElement.GetProperty("nodeKeys").EnumerateObject()
            .Select(k => IdentityOf(Hex.FromHex(k.Value.GetString()!))).ToList();
        var messages = file.RootElement.GetProperty("messages").EnumerateArray()
            .Where(m => m.GetProperty("code").GetInt32() == 0x10 + BftWire.IbftCode)
            .Select(m => new RecordedMessage(BftWire.IbftCode, Unwrap(Hex.FromHex(m.GetProperty("payload").GetString()!)),
                Address.Parse(m.GetProperty("decoded").GetProperty("signerRecovered").GetString()!)))
            .ToList();
        return new RecordedNetwork(BftProtocol.Ibft, keys, messages);
    }

    /// <summary>QBFT of 24.4.1, rounds 0 to 4.</summary>
    public static RecordedNetwork Qbft()
    {
        using var network = JsonDocument.Parse(Vectors.ReadText(QbftFolder + "network.json"));
        var keys = network.RootElement.GetProperty("nodes").EnumerateArray()
            .Select(n => IdentityOf(Hex.FromHex(n.GetProperty("nodeKey").GetString()!))).ToList();
        using var file = JsonDocument.Parse(Vectors.ReadText(QbftFolder + "messages.json"));
        var messages = file.RootElement.GetProperty("consensus").EnumerateArray()
            .Select(m => new RecordedMessage(
                int.Parse(m.GetProperty("code").GetString()![2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                Hex.FromHex(m.GetProperty("rlp").GetString()!),
                Address.Parse(m.GetProperty("decoded").GetProperty("signer").GetString()!)))
            .ToList();
        return new RecordedNetwork(BftProtocol.Qbft, keys, messages);
    }

    public BftIdentity KeyOf(Address validator) => Validators.Single(v => v.Address == validator);

    /// <summary>All read; a test holds that they can be.</summary>
    public IReadOnlyList<BftMessage> Read() =>
        [.. Messages.Select(m => BftWire.TryRead(m.Code, m.Payload, out var message, out _) ? message : throw new FormatException())];

    public BftHeight Height(ulong sequence, Address? lastProposer, Hash256 parent = default) => new()
    {
        Sequence = sequence,
        Protocol = Protocol,
        Validators = [.. Validators.Select(v => v.Address)],
        LastProposer = lastProposer,
        Parent = parent,
        RequestTimeout = TimeSpan.FromSeconds(10),
    };

    private static BftIdentity IdentityOf(byte[] key) =>
        new(Secp256k1.AddressOf(Secp256k1.PublicKey(key)), hash => Secp256k1.Sign(key, hash.Bytes));

    /// <summary>devp2p carries an IBFT message as a byte string.</summary>
    private static byte[] Unwrap(byte[] payload)
    {
        var reader = new RlpReader(payload);
        return reader.ReadBytes().ToArray();
    }
}

/// <param name="Payload">RLP of the message, a list.</param>
internal sealed record RecordedMessage(int Code, byte[] Payload, Address Signer);
