using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tests;

/// <summary>What private transactions and markers name their payloads by when their data has not the length of a hash.</summary>
public sealed class PayloadNameTests
{
    private static readonly byte[] Key = Keccak.Hash("a sender"u8).ToArray();
    private static readonly Address Sender = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));
    private static readonly Address Contract = Address.ForCreate(Sender, 0);

    /// <summary>Stores 42 at slot 0 and deploys one byte of code (STOP).</summary>
    private static readonly byte[] InitCode = Hex.FromHex("602a60005560016000f3");

    private readonly Dictionary<PayloadHash, PayloadAnswer> _payloads = [];
    private readonly List<PayloadHash> _asked = [];

    [Theory]
    [InlineData("2.5", 63, false)]
    [InlineData("2.5", 64, true)]
    [InlineData("2.5", 65, false)]
    [InlineData("2.5", 128, false)]
    [InlineData("2.6", 65, false)]
    [InlineData("21", 65, true)]
    [InlineData("24", 1, true)]
    [InlineData("24", 63, true)]
    [InlineData("24", 64, true)]
    [InlineData("24", 65, true)]
    [InlineData("24", 128, true)]
    public void Data_of_another_length_names_what_it_is_cropped_to_from_21_on(string profile, int length, bool isNamed)
    {
        var node = NewNode(profile);
        var transaction = Private(0, Naming(InitCode, length));
        var imported = Mine(node, transaction);
        Assert.Equal(isNamed, node.Rules.PayloadOf(transaction, 1) is not null);
        Assert.Equal(isNamed ? 1 : 0, _asked.Distinct().Count());
        Assert.Equal(isNamed ? (UInt256)42u : UInt256.Zero, node.Private.Head.GetStorage(Contract, UInt256.Zero));
        // Nobody is a party to what has no name: a ghost, as at strangers.
        Assert.Equal(1ul, node.Private.Head.GetAccount(Contract)!.Value.Nonce);
        Assert.Empty(imported.Execution.SkippedPayloads);
        Assert.Equal(1, Assert.Single(imported.Execution.PrivateReceipts!)!.Status);
    }

    [Theory]
    [InlineData("2.5", 0)]
    [InlineData("24", 0)]
    [InlineData("24", 63)]
    [InlineData("24", 65)]
    public void Nothing_and_zeros_name_none(string profile, int length)
    {
        var node = NewNode(profile);
        Mine(node, Private(0, new byte[length]));
        Assert.Empty(_asked);
        Assert.Equal(Hash256.EmptyCode, node.Private.Head.GetAccount(Contract)!.Value.CodeHash);
    }

    [Theory]
    [InlineData(63)]
    [InlineData(65)]
    [InlineData(128)]
    public void A_marker_and_the_transaction_in_it_are_cropped_too(int length)
    {
        var node = NewNode("24");
        var inner = Private(0, Naming(InitCode, length));
        var text = TransactionText.Encode(inner);
        Assert.Equal(_payloads.Keys.Single(), PrivacyMarker.InnerPayloadOf(text));
        var marker = TransactionSigner.Sign(
            new Transaction { GasLimit = 40_000, To = PrivacyMarker.Address, Data = Naming(text, length) }, Key, 10u);
        var imported = Mine(node, marker);
        Assert.Equal((UInt256)42u, node.Private.Head.GetStorage(Contract, UInt256.Zero));
        Assert.Equal(PrivacyMarker.InnerPayloadOf(text), Assert.Single(imported.Execution.MarkedPayloads).Hash);
        Assert.Equal(_payloads.Keys.Order(), _asked.Distinct().Order());
    }

    /// <summary>Data of a length for a payload that the manager has under the name that it is cropped to.</summary>
    private byte[] Naming(byte[] payload, int length)
    {
        var data = Enumerable.Repeat((byte)(_payloads.Count + 1), length).ToArray();
        var name = new byte[PayloadHash.Size];
        for (var i = 1; i <= Math.Min(length, name.Length); i++) name[^i] = data[^i];
        var hash = new PayloadHash(name);
        _payloads[hash] = PayloadAnswer.Here(hash, payload);
        return data;
    }

    private ImportedBlock Mine(TestNode node, Transaction transaction)
    {
        var built = new BlockBuilder(node.Rules, node.Public, node.Private).Build(
            node.Producer.Prepare(node.Head, BlockTime.OfNanoseconds(node.Head.Time + 1000)), default,
            new TransactionList([new RecoveredTransaction(transaction, Sender)]), new(node.Public.Head, null, node.HashAt),
            new BuildLimits());
        Assert.Empty(built.Skipped);
        return node.Import(built.Block, hash =>
        {
            _asked.Add(hash);
            return _payloads[hash];
        });
    }

    private static Transaction Private(ulong nonce, byte[] data) =>
        TransactionSigner.SignPrivate(new Transaction { Nonce = nonce, GasLimit = 400_000, Data = data }, Key);

    private static TestNode NewNode(string profile) => new(GenesisFile.Parse($$"""
        { "alloc": { "{{Sender}}": { "balance": "1000000000" } },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0,
            "isQuorum": true{{(profile == "24" ? ", \"privacyPrecompileBlock\": 0" : "")}} },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.Parse(profile));
}
