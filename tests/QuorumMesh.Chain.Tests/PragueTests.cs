using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tests;

/// <summary>What Prague brings to transactions, blocks and pool: EIP-7702's type 4 and EIP-2935's history.</summary>
public sealed class PragueTests
{
    // A transaction of type 4 that @ethereumjs/tx 10.1.3 made and signed, with key 8, and authorisations of keys 7 and 8.
    private const string Signed =
        "0x04f901580a03808083030d4094200000000000000000000000000000000000000201820102f838f7943000000000000000000000000000000000000001e1a0000000000000000000000000000000000000000000000000"
        + "0000000000000001f8b8f85a0a9420000000000000000000000000000000000000018080a011e36a728be132fad4d15f31bb5c22056abb142864ef3eedd9fccd362a43bb2ba023d14673dd3efab85a2c68cc41ae5e3054985f09cbee3408ff33b7681125d2b7"
        + "f85a809400000000000000000000000000000000000000000501a014c6b851e0c257c168e7c0ac138bc95729e057d8a3f144942b1482f49e215ce8a0285a108bc83b3bebcb1cb8b681fb3e9b7de161f0b2270dd025c824545c82e97e"
        + "80a058b53408c50a2ed77737b467e8a3aed4a456d75229c776bbbee62c817b2abf5ba0733ac1c205aede26a88e1abe0148e1bce91b04474fe20cae0196f0ba5c2c72fe";

    private const string SignedHash = "0x47dfa51bab2cbfbfbac2a330272b6665524720747c6e42972f70389ee8ebafab";
    private static readonly byte[] Key = new UInt256(7).ToBigEndian();
    private static readonly byte[] OtherKey = new UInt256(8).ToBigEndian();
    private static readonly Address Account = AddressOf(Key);
    private static readonly Address Other = AddressOf(OtherKey);
    private static readonly Address Wallet = Address.Parse("0x2000000000000000000000000000000000000001");
    private static readonly Address History = Address.Parse("0x0000F90827F1C53a10cb7A02335B175320002935");
    private static readonly SenderRules Prague = SenderRules.For(10u, Fork.Prague);

    [Fact]
    public void Another_clients_transaction_is_read_and_recovered()
    {
        var tx = Transaction.Decode(Hex.FromHex(Signed));
        Assert.Equal(SignedHash, tx.Hash.ToString());
        var recovered = TransactionSigner.Recover(tx, Prague)!;
        Assert.Equal(Other, recovered.Sender);
        Assert.Equal([Account, Other], recovered.Authorities);
        Assert.Equal((10u, Wallet, 0ul), (tx.AuthorizationList[0].ChainId, tx.AuthorizationList[0].Address, tx.AuthorizationList[0].Nonce));
        Assert.Equal((0u, default(Address), 5ul),
            (tx.AuthorizationList[1].ChainId, tx.AuthorizationList[1].Address, tx.AuthorizationList[1].Nonce));
        Assert.False(tx.IsPrivate);
        Assert.False(TransactionSigner.TryRecover(tx, SenderRules.For(10u, Fork.Cancun), out _));
        Assert.False(TransactionSigner.TryRecover(tx, SenderRules.For(11u, Fork.Prague), out _));
    }

    [Fact]
    public void Ours_is_the_same_byte_for_byte()
    {
        var tx = new Transaction
        {
            Type = TransactionType.SetCode,
            TypedChainId = 10u,
            Nonce = 3,
            GasLimit = 200_000,
            To = Address.Parse("0x2000000000000000000000000000000000000002"),
            Value = 1u,
            Data = [1, 2],
            AccessList = [new AccessListEntry(Address.Parse("0x3000000000000000000000000000000000000001"), [1u])],
            AuthorizationList = [Authorization.Sign(10u, Wallet, 0, Key), Authorization.Sign(0u, default, 5, OtherKey)],
        };
        var signed = TransactionSigner.Sign(tx, OtherKey);
        Assert.Equal(Signed, Hex.ToHex(signed.Encode()));
        Assert.Equal(Signed, Hex.ToHex(Transaction.Decode(signed.Encode()).WithSignature(signed.V, signed.R, signed.S).Encode()));
    }

    [Fact]
    public void Malformed_lists_are_format_errors()
    {
        static Transaction With(Action<RlpWriter> tuple, bool creation = false)
        {
            var writer = new RlpWriter();
            var list = writer.BeginList();
            for (var i = 0; i < 5; i++)
                writer.Write(10ul);
            if (creation) writer.Write(ReadOnlySpan<byte>.Empty);
            else writer.Write(Wallet);
            writer.Write(0ul);
            writer.Write(ReadOnlySpan<byte>.Empty);
            writer.WriteEmptyList();
            var authorizations = writer.BeginList();
            tuple(writer);
            writer.EndList(authorizations);
            for (var i = 0; i < 3; i++)
                writer.Write(1ul);
            writer.EndList(list);
            return Transaction.Decode([4, .. writer.WrittenSpan]);
        }

        static void Tuple(RlpWriter writer, ulong parity, int fields)
        {
            var list = writer.BeginList();
            writer.Write(0ul);
            writer.Write(Wallet);
            writer.Write(0ul);
            writer.Write(parity);
            for (var i = 4; i < fields; i++)
                writer.Write(1ul);
            writer.EndList(list);
        }

        Assert.Equal(255, With(w => Tuple(w, 255, 6)).AuthorizationList[0].YParity);
        Assert.Empty(With(_ => { }).AuthorizationList);
        Assert.ThrowsAny<FormatException>(() => With(w => Tuple(w, 256, 6)));
        Assert.ThrowsAny<FormatException>(() => With(w => Tuple(w, 0, 5)));
        Assert.ThrowsAny<FormatException>(() => With(w => Tuple(w, 0, 7)));
        Assert.ThrowsAny<FormatException>(() => With(w => w.Write(1ul)));
        Assert.ThrowsAny<FormatException>(() => With(_ => { }, creation: true));
    }

    [Fact]
    public void A_list_that_its_gas_does_not_pay_for_is_not_looked_at()
    {
        var list = Enumerable.Range(0, 3).Select(n => Authorization.Sign(10u, Wallet, (ulong)n, Key)).ToList();
        Assert.Equal([null, null, null],
            TransactionSigner.RecoverAuthorities(new Transaction { GasLimit = 74_999, AuthorizationList = list }));
        Assert.Equal([Account, Account, Account],
            TransactionSigner.RecoverAuthorities(new Transaction { GasLimit = 75_000, AuthorizationList = list }));
    }

    [Fact]
    public void Stateless_checks_know_their_forks()
    {
        var tx = new Transaction
        {
            Type = TransactionType.SetCode,
            GasLimit = 46_000,
            To = Wallet,
            AuthorizationList = [Authorization.Sign(10u, Wallet, 0, Key)]
        };
        Assert.Null(TransactionChecks.Stateless(tx, Fork.Prague));
        Assert.Equal("transaction type not supported", TransactionChecks.Stateless(tx, Fork.Cancun));
        Assert.Equal("EIP-7702 transaction with empty auth list",
            TransactionChecks.Stateless(new Transaction { Type = TransactionType.SetCode, GasLimit = 46_000, To = Wallet }, Fork.Prague));
        Assert.Equal("intrinsic gas too low",
            TransactionChecks.Stateless(
            new Transaction { Type = TransactionType.SetCode, GasLimit = 45_999, To = Wallet, AuthorizationList = tx.AuthorizationList },
            Fork.Prague));
        // EIP-7623: 100 bytes that are not zero cost at least 4000, not 1600.
        var data = new Transaction { GasLimit = 24_999, To = Wallet, Data = [.. Enumerable.Repeat((byte)1, 100)] };
        Assert.Null(TransactionChecks.Stateless(data, Fork.Cancun));
        Assert.Equal("intrinsic gas too low", TransactionChecks.Stateless(data, Fork.Prague));
        // EIP-7825 is not for our chains.
        Assert.Null(TransactionChecks.Stateless(new Transaction { GasLimit = 1 << 30, To = Wallet }, Fork.Osaka));
    }

    [Fact]
    public void Blocks_with_delegations_are_built_imported_and_replayed()
    {
        var node = NewNode(pragueBlock: 0);
        var block = Build(node, Send(Key, 0,
            new Transaction
            {
                Type = TransactionType.SetCode,
                To = Wallet,
                AuthorizationList = [Authorization.Sign(10u, Wallet, 0, OtherKey)]
            }));
        node.Import(block, _ => null);
        Assert.Equal(Delegation.Encode(Wallet), node.Public.Head.GetCode(node.Public.Head.GetAccount(Other)!.Value.CodeHash));
        Assert.Equal(1ul, node.Public.Head.GetAccount(Other)!.Value.Nonce);
        var receipt = ChainStore.GetReceipts(node.Store, node.Head.Hash)![0];
        Assert.Equal((TransactionType.SetCode, (byte)1), (receipt.Type, receipt.Status));
        Assert.Equal(block.Hash, Block.Decode(block.Encode()).Hash);
    }

    [Fact]
    public void History_serves_the_hashes_since_the_fork_block()
    {
        var node = NewNode(pragueBlock: 3);
        for (ulong n = 0; n < 2; n++)
            node.Import(Build(node, Send(Key, n, new Transaction { To = Wallet })), _ => null);
        Assert.Null(node.Public.Head.GetAccount(History));
        for (ulong n = 2; n < 6; n++)
            node.Import(Build(node, Send(Key, n, new Transaction { To = Wallet })), _ => null);
        Assert.Equal(1ul, node.Public.Head.GetAccount(History)!.Value.Nonce);
        for (ulong n = 2; n < 6; n++)
            Assert.Equal(node.HashAt(n), Ask(node, n));
        // Older than the fork's parent: never written.
        Assert.Equal(default, Ask(node, 1));
        Assert.Equal(EvmStatus.Revert, Call(node, ((UInt256)7u).ToBigEndian()).Status);
        Assert.Equal(EvmStatus.Revert, Call(node, [1]).Status);
    }

    [Fact]
    public void History_works_from_a_genesis_at_Prague_and_in_replay()
    {
        var node = NewNode(pragueBlock: 0);
        node.Import(Build(node, Send(Key, 0, new Transaction { To = Wallet })), _ => null);
        Assert.Equal(node.HashAt(0), Ask(node, 0));
        var before = node.Public.Head;
        var block = Build(node, Send(Key, 1, new Transaction { To = Wallet }));
        var replay = new BlockReplay(node.Rules, block.Header, new(before, null, node.HashAt));
        Assert.Equal(node.HashAt(1).ToWord(), replay.PublicState.GetStorage(History, 1u));
    }

    [Fact]
    public void An_authoritys_own_transactions_leave_the_pool_when_its_nonce_moves()
    {
        var node = NewNode(pragueBlock: 0);
        PoolHead Head() => new(node.Head.Number, node.Head.GasLimit,
            a => node.Public.Head.GetAccount(a) is { } account ? (account.Nonce, account.Balance) : default);
        var pool = new TransactionPool(node.Rules.Config, node.Rules.Profile, Head());
        var overtaken = Send(OtherKey, 0, new Transaction { To = Wallet });
        var next = Send(OtherKey, 1, new Transaction { To = Wallet });
        Assert.Null(pool.Add(overtaken, true, DateTimeOffset.UnixEpoch).Error);
        Assert.Null(pool.Add(next, true, DateTimeOffset.UnixEpoch).Error);
        var delegation = Send(Key, 0,
            new Transaction
            {
                Type = TransactionType.SetCode,
                To = Wallet,
                AuthorizationList = [Authorization.Sign(10u, Wallet, 0, OtherKey)]
            });
        node.Import(Build(node, delegation), _ => null);
        var events = pool.SetHead(Head(), [delegation], [Other]);
        Assert.Equal([(PoolEventKind.Dropped, overtaken)], events.Select(e => (e.Kind, e.Transaction)));
        Assert.Equal((1, next), (pool.PendingCount, pool.Ready().Peek()));
    }

    private static Hash256 Ask(TestNode node, ulong number)
    {
        var result = Call(node, ((UInt256)number).ToBigEndian());
        Assert.Equal(EvmStatus.Success, result.Status);
        return new Hash256(result.Output);
    }

    /// <summary>As code of the next block sees it.</summary>
    private static EvmResult Call(TestNode node, byte[] input)
    {
        var state = new State.WorldState(node.Public.Head);
        state.BeginTransaction();
        var context = new BlockContext { Number = node.Head.Number + 1, GasLimit = 1_000_000 };
        return new EvmMachine(context, Fork.Prague, EvmOptions.Default)
            .Call(Account, default, Account, History, input, 1_000_000, default, state, state);
    }

    private static Block Build(TestNode node, RecoveredTransaction transaction)
    {
        var built = new BlockBuilder(node.Rules, node.Public, node.Private).Build(
            node.Producer.Prepare(node.Head, BlockTime.OfNanoseconds(node.Head.Time + 1000)), default, new TransactionList([transaction]),
            new(node.Public.Head, node.Private.Head, node.HashAt), new BuildLimits());
        Assert.Empty(built.Skipped);
        return built.Block;
    }

    private static RecoveredTransaction Send(byte[] key, ulong nonce, Transaction like)
    {
        var tx = new Transaction
        {
            Type = like.Type,
            TypedChainId = 10u,
            Nonce = nonce,
            GasLimit = 100_000,
            To = like.To,
            AuthorizationList = like.AuthorizationList
        };
        return TransactionSigner.Recover(TransactionSigner.Sign(tx, key, 10u), Prague)!;
    }

    private static TestNode NewNode(ulong pragueBlock) => new(GenesisFile.Parse($$"""
        { "alloc": { "{{Account}}": { "balance": "1000" } },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
                      "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "shanghaiBlock": 0, "cancunBlock": 0, "pragueBlock": {{pragueBlock}}, "isQuorum": true, "quorumMesh": { "version": 0 } },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.V24);

    private static Address AddressOf(byte[] key) => Secp256k1.AddressOf(Secp256k1.PublicKey(key));
}
