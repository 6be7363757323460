using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Tests;

/// <summary>
/// Privacy markers at a party and at a stranger of the same chain. Every import checks the public roots, which must be the same at both.
/// </summary>
public sealed class PrivacyMarkerTests
{
    private static readonly byte[] Key = Keccak.Hash("a sender"u8).ToArray();
    private static readonly byte[] Other = Keccak.Hash("another one"u8).ToArray();
    private static readonly Address Sender = AddressOf(Key);

    /// <summary>Stores 42 at slot 0, logs once, deploys one byte of code (STOP).</summary>
    private static readonly byte[] InitCode = Hex.FromHex("602a60005560006000a060016000f3");

    /// <summary>Runs for as long as it has gas.</summary>
    private static readonly byte[] Endless = Hex.FromHex("5b600056");

    private readonly Dictionary<PayloadHash, PayloadAnswer> _payloads = [];
    private TestNode _party = NewNode();
    private TestNode _stranger = NewNode();
    private BlockExecution? _imported;

    [Fact]
    public void Parties_run_the_transaction_in_a_marker_and_strangers_see_a_public_one()
    {
        var block = Mine(Marker(0, Inner(0, InitCode)));
        var contract = Address.ForCreate(Sender, 0);
        Assert.Equal(1ul, _party.Public.Head.GetAccount(Sender)!.Value.Nonce);
        Assert.Equal((UInt256)42u, _party.Private.Head.GetStorage(contract, UInt256.Zero));
        Assert.Null(_party.Public.Head.GetAccount(contract));
        Assert.Null(_party.Private.Head.GetAccount(Sender));
        // Not even a ghost: a stranger does not know that there is a private transaction.
        Assert.Equal(Hash256.EmptyTrie, _stranger.Private.Head.Root);

        var view = Assert.Single(Views(_party, block));
        Assert.Equal(((byte)1, 0, false), (view.Receipt.Status, view.Receipt.Logs.Count, view.IsPrivateSide));
        Assert.Null(view.Receipt.ContractAddress);
        Assert.Equal(IntrinsicGas.Of(block.Transactions[0], Evm.Fork.Istanbul), view.Receipt.GasUsed);
        var own = view.Marked!.Value.Receipt;
        Assert.Equal(((byte)1, 0ul, 0ul, 1), (own.Status, own.GasUsed, own.CumulativeGasUsed, own.Logs.Count));
        Assert.Equal(contract, own.ContractAddress);
        Assert.Null(Assert.Single(Views(_stranger, block)).Marked);
    }

    [Fact]
    public void Several_markers_of_a_block_are_all_run_and_their_logs_are_numbered_beside_the_blocks()
    {
        var logger = TransactionSigner.Sign(new Transaction { Nonce = 0, GasLimit = 100_000, Data = InitCode }, Key, 10u);
        var block = Mine(logger, Marker(1, Inner(1, InitCode)), Marker(2, Inner(2, InitCode)), Resigned(logger, 3));
        Assert.Equal(4ul, _party.Public.Head.GetAccount(Sender)!.Value.Nonce);
        var views = Views(_party, block);
        Assert.Equal([0u, 1, 1, 1], views.Select(v => v.FirstLogIndex));
        Assert.Equal([1u, 2], views.Where(v => v.Marked is not null).Select(v => v.Marked!.Value.FirstLogIndex));
        Assert.Equal((UInt256)42u, _party.Private.Head.GetStorage(Address.ForCreate(Sender, 2), UInt256.Zero));
    }

    [Theory]
    [InlineData("signer", "signed by another account")]
    [InlineData("nonce", "has the nonce 1, the marker 0")]
    [InlineData("public", "not a private one")]
    [InlineData("text", "holds no transaction")]
    [InlineData("gas", "cannot be applied")]
    [InlineData("more gas than a block", "its gas limit 8589934592 is above the block's, ")]
    [InlineData("all gas there is", "its gas limit 18446744073709551615 is above the block's")]
    [InlineData("price", "cannot be applied")]
    [InlineData("value of a creation", "cannot be applied")]
    [InlineData("value of a call", "cannot be applied")]
    [InlineData("signature", "signed by another account")]
    public void A_marker_whose_transaction_cannot_be_run_runs_nothing(string fault, string reason)
    {
        var good = Inner(0, InitCode);
        var inner = fault switch
        {
            "signer" => TransactionSigner.SignPrivate(good, Other),
            "nonce" => Inner(1, InitCode),
            "public" => TransactionSigner.Sign(good, Key),
            "gas" => Private(new Transaction { Nonce = 0, GasLimit = 53_000, Data = good.Data }),
            "more gas than a block" => Private(new Transaction { GasLimit = 0x200000000, Data = Put(Endless).ToArray() }),
            "all gas there is" => Private(new Transaction { GasLimit = ulong.MaxValue, Data = Put(Endless).ToArray() }),
            "price" => Private(new Transaction { Nonce = 0, GasLimit = 400_000, Data = good.Data, GasPrice = 1u }),
            "value of a creation" => Private(new Transaction { Nonce = 0, GasLimit = 400_000, Data = good.Data, Value = 1u }),
            "value of a call" => Private(new Transaction { GasLimit = 400_000, Data = good.Data, Value = 1u, To = AddressOf(Other) }),
            "signature" => good.WithSignature(37u, UInt256.Zero, UInt256.Zero),
            _ => good,
        };
        var block = Mine(Marker(0, inner, fault == "text" ? "no JSON"u8.ToArray() : null));
        Assert.Equal(1ul, _party.Public.Head.GetAccount(Sender)!.Value.Nonce);
        Assert.Equal(Hash256.EmptyTrie, _party.Private.Head.Root);
        Assert.Null(Assert.Single(Views(_party, block)).Marked);
        var refusal = Assert.Single(_imported!.Refusals);
        Assert.Equal(block.Transactions[0].Hash, refusal.Transaction);
        Assert.Contains(reason, refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_transaction_whose_own_payload_is_not_ours_is_run_as_a_strangers()
    {
        var inner = Inner(0, InitCode);
        _payloads.Remove(inner.PayloadHash!.Value);
        var block = Mine(Marker(0, inner));
        var ghost = _party.Private.Head.GetAccount(Address.ForCreate(Sender, 0))!.Value;
        Assert.Equal((1ul, Hash256.EmptyCode), (ghost.Nonce, ghost.CodeHash));
        Assert.Equal([inner.PayloadHash!.Value], _imported!.SkippedPayloads);
        Assert.Equal([new MarkedPayload(0, inner.PayloadHash!.Value)], _imported.MarkedPayloads);
        Assert.Equal(1, Assert.Single(Views(_party, block)).Marked!.Value.Receipt.Status);
    }

    [Fact]
    public void The_private_side_waits_for_the_markers_payload_and_then_for_that_of_its_transaction()
    {
        var inner = Inner(0, InitCode);
        var marker = Marker(0, inner);
        var block = Build(_stranger, marker).Block;
        Assert.Equal([new PayloadHash(marker.Data)], _party.Import(block, _ => null).Execution.MissingPayloads);
        Assert.Equal((1ul, 0ul), (_party.Head.Number, _party.PrivateHead.Number));
        Assert.False(_party.Replay(hash => hash == inner.PayloadHash ? null : _payloads[hash]));
        Assert.Equal(0ul, _party.PrivateHead.Number);
        Assert.True(_party.Replay(hash => _payloads[hash]));

        var other = NewNode();
        Assert.Equal([inner.PayloadHash!.Value],
            other.Import(block, hash => hash == inner.PayloadHash ? null : _payloads[hash]).Execution.MissingPayloads);
        Assert.True(other.Replay(hash => _payloads[hash]));
        var whole = NewNode();
        whole.Import(block, hash => _payloads[hash]);
        Assert.Equal(whole.Private.Head.Root, _party.Private.Head.Root);
        Assert.Equal(whole.Private.Head.Root, other.Private.Head.Root);
        Assert.NotEqual(Hash256.EmptyTrie, whole.Private.Head.Root);
    }

    [Fact]
    public void A_marker_with_a_value_is_in_no_block_until_the_address_has_a_public_account()
    {
        var valued = Signed(0, to: PrivacyMarker.Address, value: 1);
        var built = Build(_party, valued);
        Assert.Equal(TransactionInvalid.InsufficientBalanceForTransfer, Assert.Single(built.Skipped).Reason);
        var head = new PoolHead(0, _party.Head.GasLimit, _ => (0, UInt256.MaxValue));
        Assert.Equal(PoolErrors.MarkerValue,
            PoolRules.Check(new RecoveredTransaction(valued, Sender), head, _party.Rules.Config, _party.Rules.Profile));

        // A constructor that sends its endowment of 1 to 0x7a; then the marker's value is looked for where code may only read.
        var sends = new Transaction { GasLimit = 200_000, Value = 1u, Data = Hex.FromHex("600060006000600034607a5af1") };
        Mine(TransactionSigner.Sign(sends, Key, 10u));
        Assert.NotNull(_party.Public.Head.GetAccount(PrivacyMarker.Address));
        var naming = TransactionText.Encode(Inner(1, InitCode));
        var block = Mine(Signed(1, to: PrivacyMarker.Address, value: 1, Put(naming).ToArray()));
        var view = Assert.Single(Views(_party, block));
        Assert.Equal(((byte)0, IntrinsicGas.Of(block.Transactions[0], Evm.Fork.Istanbul)), (view.Receipt.Status, view.Receipt.GasUsed));
        // Nor does it run what its payload holds: it fails before the precompile.
        Assert.Null(view.Marked);
        Assert.Equal(Hash256.EmptyTrie, _party.Private.Head.Root);
        Assert.Null(_party.Rules.PayloadOf(block.Transactions[0], block.Number));
        Assert.Equal((UInt256)1u, _party.Public.Head.GetAccount(PrivacyMarker.Address)!.Value.Balance);
    }

    [Fact]
    public void Before_its_block_the_address_runs_nothing()
    {
        (_party, _stranger) = (NewNode("\"privacyPrecompileBlock\": 2"), NewNode("\"privacyPrecompileBlock\": 2"));
        var early = Mine(Marker(0, Inner(0, InitCode)));
        Assert.Equal(Hash256.EmptyTrie, _party.Private.Head.Root);
        Assert.False(_party.Rules.HasPrivateSide(early.Transactions[0], 1));
        Mine(Marker(1, Inner(1, InitCode)));
        Assert.NotEqual(Hash256.EmptyTrie, _party.Private.Head.Root);
    }

    [Fact]
    public void A_flag_that_does_not_hold_fails_the_transaction_in_the_marker_and_the_next_one_runs()
    {
        const string enhanced = "\"privacyPrecompileBlock\": 0, \"privacyEnhancementsBlock\": 0";
        (_party, _stranger) = (NewNode(enhanced), NewNode(enhanced));
        var first = Inner(0, InitCode);
        Promise(first, PrivacyMode.PartyProtection);
        Mine(Marker(0, first));
        var contract = Address.ForCreate(Sender, 0);
        Assert.Equal(new PrivacyMetadata(first.PayloadHash!.Value, PrivacyMode.PartyProtection),
            _party.Private.Head.GetAccount(contract)!.Value.Privacy);
        var before = _party.Private.Head.Root;

        // The sender proved nothing.
        var call = Inner(1, [1], contract);
        Promise(call, PrivacyMode.PartyProtection);
        var block = Mine(Marker(1, call));
        Assert.Equal(before, _party.Private.Head.Root);
        Assert.Equal(0, Assert.Single(Views(_party, block)).Marked!.Value.Receipt.Status);
        Assert.Contains("did not prove", Assert.Single(_imported!.Refusals).Reason, StringComparison.Ordinal);

        var proven = Inner(2, [2], contract);
        Promise(proven, PrivacyMode.PartyProtection, first.PayloadHash!.Value);
        Assert.Equal(1, Assert.Single(Views(_party, Mine(Marker(2, proven)))).Marked!.Value.Receipt.Status);
        Assert.Empty(_imported.Refusals);
    }

    [Fact]
    public void Nobody_pays_for_the_transaction_in_a_marker_where_gas_has_a_price()
    {
        const string priced = "\"privacyPrecompileBlock\": 0, \"enableGasPriceBlock\": 0";
        (_party, _stranger) = (NewNode(priced), NewNode(priced));
        // One that runs, one that is too dear to be run, and one whose gas is too little: GoQuorum's parties would keep its price.
        Mine(Marker(0, Priced(0, 400_000, 3u), price: 3u));
        Mine(Marker(1, Priced(1, 400_000, ulong.MaxValue), price: 3u));
        Mine(Marker(2, Priced(2, 53_000, 3u), price: 3u));
        Assert.Equal(_stranger.Public.Head.GetAccount(Sender)!.Value, _party.Public.Head.GetAccount(Sender)!.Value);
        Assert.Equal((UInt256)42u, _party.Private.Head.GetStorage(Address.ForCreate(Sender, 0), UInt256.Zero));
        Assert.Null(_party.Private.Head.GetAccount(Address.ForCreate(Sender, 1)));
    }

    [Fact]
    public void A_private_transaction_to_the_address_runs_no_other()
    {
        var inner = Inner(0, InitCode);
        var payload = TransactionText.Encode(inner);
        var hash = Put(payload);
        var block = Mine(Private(new Transaction { GasLimit = 100_000, To = PrivacyMarker.Address, Data = hash.ToArray() }));
        Assert.Equal(Hash256.EmptyTrie, _party.Private.Head.Root);
        Assert.Equal(((byte)1, true), (Views(_party, block)[0].Receipt.Status, Views(_party, block)[0].IsPrivateSide));
    }

    /// <summary>A block of the stranger's, imported by both.</summary>
    private Block Mine(params Transaction[] transactions)
    {
        var built = Build(_stranger, transactions);
        Assert.Empty(built.Skipped);
        _imported = _party.Import(built.Block, hash => _payloads.GetValueOrDefault(hash) ?? PayloadAnswer.NotAParty(hash)).Execution;
        _stranger.Import(built.Block, static hash => PayloadAnswer.NotAParty(hash));
        Assert.Equal((_party.Head.Hash, _party.Head.Hash), (_party.PrivateHead.Hash, _stranger.PrivateHead.Hash));
        return built.Block;
    }

    private static BuiltBlock Build(TestNode node, params Transaction[] transactions) =>
        new BlockBuilder(node.Rules, node.Public, node.Private).Build(
            node.Producer.Prepare(node.Head, BlockTime.OfNanoseconds(node.Head.Time + 1000)), default,
            new TransactionList([.. transactions.Select(tx => new RecoveredTransaction(tx, Sender))]),
            new(node.Public.Head, null, node.HashAt), new BuildLimits());

    private static IReadOnlyList<ReceiptView> Views(TestNode node, Block block) => ReceiptView.Merge(block.Transactions,
        ChainStore.GetReceipts(node.Store, block.Hash)!,
        ChainStore.GetPrivateReceipts(node.Store, ChainStore.PrivateStateId, block.Hash), node.Rules.Profile);

    /// <summary>A signed private transaction whose payload the party has.</summary>
    private Transaction Inner(ulong nonce, byte[] input, Address? to = null) =>
        Private(new Transaction { Nonce = nonce, GasLimit = 400_000, To = to, Data = Put(input).ToArray() });

    private Transaction Priced(ulong nonce, ulong gas, UInt256 price) =>
        Private(new Transaction { Nonce = nonce, GasLimit = gas, GasPrice = price, Data = Put(InitCode).ToArray() });

    private Transaction Marker(ulong nonce, Transaction inner, byte[]? payload = null, UInt256? price = null) => TransactionSigner.Sign(
        new Transaction
        {
            Nonce = nonce,
            GasLimit = 30_000,
            GasPrice = price ?? UInt256.Zero,
            To = PrivacyMarker.Address,
            Data = Put(payload ?? TransactionText.Encode(inner)).ToArray(),
        }, Key, 10u);

    private void Promise(Transaction inner, PrivacyMode mode, params PayloadHash[] affected) =>
        _payloads[inner.PayloadHash!.Value] = _payloads[inner.PayloadHash!.Value] with
        {
            PrivacyMode = mode,
            AffectedTransactions = affected,
        };

    private PayloadHash Put(byte[] payload)
    {
        var hash = Sha3.HashPayload(payload);
        _payloads[hash] = PayloadAnswer.Here(hash, payload);
        return hash;
    }

    private static Transaction Private(Transaction transaction) => TransactionSigner.SignPrivate(transaction, Key);

    private static Transaction Signed(ulong nonce, Address to, ulong value, byte[]? data = null) => TransactionSigner.Sign(
        new Transaction { Nonce = nonce, GasLimit = 30_000, To = to, Value = value, Data = data ?? [] }, Key, 10u);

    private static Transaction Resigned(Transaction transaction, ulong nonce) => TransactionSigner.Sign(
        new Transaction { Nonce = nonce, GasLimit = transaction.GasLimit, Data = transaction.Data }, Key, 10u);

    private static TestNode NewNode(string config = "\"privacyPrecompileBlock\": 0") => new(GenesisFile.Parse($$"""
        { "alloc": { "{{Sender}}": { "balance": "1000000000" } },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0,
            "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "isQuorum": true, {{config}} },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.V24);

    private static Address AddressOf(byte[] key) => Secp256k1.AddressOf(Secp256k1.PublicKey(key));
}
