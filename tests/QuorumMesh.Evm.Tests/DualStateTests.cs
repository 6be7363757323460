using QuorumMesh.Chain.Execution;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using static QuorumMesh.Evm.Opcode;

namespace QuorumMesh.Evm.Tests;

/// <summary>GoQuorum's rules for code that sees a public and a private state.</summary>
public class DualStateTests
{
    private const ulong Intrinsic = 21000 + 64 * 68;
    private static readonly Address _sender = Address.Parse("0xed9d02e382b34818e88b88a309c7fe71e65f419d");
    private static readonly Address _private = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly Address _private2 = Address.Parse("0x1000000000000000000000000000000000000002");
    private static readonly Address _public = Address.Parse("0x2000000000000000000000000000000000000001");
    private readonly WorldState _p = new(EmptyState.Instance);
    private readonly WorldState _r = new(EmptyState.Instance);
    private ulong _pool = 1_000_000_000;

    public static TheoryData<string, byte[], byte[], ulong, ulong> Calls => new()
    {
        // name, code of the private contract, code of the public contract, expected slot 0 of the private contract, of the public one
        { "a private contract writes its own storage", new Asm().Store(0, 5), [], 5, 0 },
        { "CALL of a public reader", new Asm().Call(CALL, _public).Op(POP).Push(0).Op(MLOAD).StoreTop(0),
            new Asm().Push(7).ReturnTop(), 7, 0 },
        { "STATICCALL of a public reader", new Asm().Call(STATICCALL, _public).Op(POP).Push(0).Op(MLOAD).StoreTop(0),
            new Asm().Push(7).ReturnTop(), 7, 0 },
        { "DELEGATECALL of a public library that only reads", new Asm().Call(DELEGATECALL, _public).Op(POP).Push(0).Op(MLOAD).StoreTop(0),
            new Asm().Push(7).ReturnTop(), 7, 0 },
        { "CALL of a public writer fails", new Asm().Call(CALL, _public).Push(1).Op(ADD).StoreTop(0), new Asm().Store(0, 9), 1, 0 },
        { "DELEGATECALL of a public writer fails", new Asm().Call(DELEGATECALL, _public).Push(1).Op(ADD).StoreTop(0),
            new Asm().Store(0, 9), 1, 0 },
        { "CALLCODE of a public writer fails", new Asm().Call(CALLCODE, _public).Push(1).Op(ADD).StoreTop(0), new Asm().Store(0, 9), 1, 0 },
        { "CALL of a public logger fails", new Asm().Call(CALL, _public).Push(1).Op(ADD).StoreTop(0),
            new Asm().Push(0).Push(0).Op(LOG0), 1, 0 },
        { "CALL of a public creator fails", new Asm().Call(CALL, _public).Push(1).Op(ADD).StoreTop(0),
            new Asm().Push(0).Push(0).Push(0).Op(CREATE), 1, 0 },
        { "CALL of a public destroyer fails", new Asm().Call(CALL, _public).Push(1).Op(ADD).StoreTop(0),
            new Asm().Push(0).Op(SELFDESTRUCT), 1, 0 },
        { "a callback private, public, private is read-only",
            new Asm().Call(CALL, _public).Op(POP).Push(0).Op(MLOAD).Push(1).Op(ADD).StoreTop(0),
            new Asm().Call(CALL, _private2).ReturnTop(), 1, 0 },
        { "EXTCODESIZE looks into both states", new Asm().Push(_public).Op(EXTCODESIZE).StoreTop(0), new Asm().Op(STOP), 1, 0 },
        { "EXTCODEHASH looks into the current state only", new Asm().Push(_public).Op(EXTCODEHASH).Op(ISZERO).StoreTop(0),
            new Asm().Op(STOP), 1, 0 },
        { "BALANCE looks into both states", new Asm().Push(_sender).Op(BALANCE).StoreTop(0), new Asm().Op(STOP), 1000, 0 },
        { "a public frame logs nothing and reads its own storage", new Asm().Call(CALL, _public).Op(POP).Push(0).Op(MLOAD).StoreTop(0),
            new Asm().Push(1).Op(SLOAD).ReturnTop(), 77, 0 },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public void A_private_call_follows_the_rules(string rule, byte[] privateCode, byte[] publicCode, ulong privateSlot, ulong publicSlot)
    {
        Place(_r, _private, privateCode);
        Place(_r, _private2, new Asm().Store(0, 3));
        Place(_p, _public, publicCode);
        _p.SetStorage(_public, 1, 77);
        TransactionOutcome outcome = RunPrivate(_private, [1]);
        Assert.True(outcome.Private!.Value.Success, rule);
        Assert.Equal((UInt256)privateSlot, _r.GetStorage(_private, 0));
        Assert.Equal((UInt256)publicSlot, _p.GetStorage(_public, 0));
        Assert.Equal(UInt256.Zero, _r.GetStorage(_private2, 0));
        AssertPublicEffects(outcome);
    }

    [Fact]
    public void A_private_transaction_straight_to_a_public_writer_fails_privately_only()
    {
        Place(_p, _public, new Asm().Store(0, 9));
        TransactionOutcome outcome = RunPrivate(_public, [1]);
        Assert.Equal(EvmStatus.QuorumReadOnly, outcome.Private!.Value.Status);
        Assert.False(outcome.Private.Value.Success);
        Assert.Equal(UInt256.Zero, _p.GetStorage(_public, 0));
        AssertPublicEffects(outcome);
    }

    [Fact]
    public void Value_into_a_public_frame_is_refused()
    {
        Place(_r, _private, new Asm().Call(CALL, _public, value: 1).Push(1).Op(ADD).StoreTop(0));
        _r.SetBalance(_private, 10);
        Place(_p, _public, []);
        _p.SetBalance(_private, 0);
        RunPrivate(_private, [1]);
        Assert.Equal(UInt256.One, _r.GetStorage(_private, 0));
        Assert.Equal(UInt256.Zero, _p.GetBalance(_public));
    }

    [Fact]
    public void A_public_transaction_never_sees_a_private_account()
    {
        Place(_r, _private, new Asm().Store(0, 5));
        Place(_p, _public, new Asm().Call(CALL, _private).StoreTop(0).Push(_private).Op(EXTCODESIZE).StoreTop(1));
        TransactionOutcome outcome = Processor().Execute(Message(_public, []), _p, null, answer: null, ref _pool);
        Assert.True(outcome.PublicSuccess);
        Assert.Equal(UInt256.One, _p.GetStorage(_public, 0));
        Assert.Equal(UInt256.Zero, _p.GetStorage(_public, 1));
        Assert.Equal(UInt256.Zero, _r.GetStorage(_private, 0));
        Assert.False(_p.Exists(_private));
    }

    [Fact]
    public void A_creation_takes_its_address_from_the_public_nonce_and_lives_in_the_private_state()
    {
        Fund();
        byte[] code = new Asm().Push(7).ReturnTop();
        TransactionOutcome outcome = Execute(null, PrivateMode.Payload, new Asm().Push(7).ReturnTop().Deployer());
        Address created = Address.Parse("0x1932c48b2bf8102ba33b4a6b545c32236e342f34");
        Assert.Equal(created, outcome.Created);
        Assert.Equal(created, outcome.Private!.Value.Created);
        Assert.Equal(code, _r.GetCode(created));
        Assert.Equal(1UL, _r.GetNonce(created));
        Assert.False(_p.Exists(created));
        Assert.Equal(1UL, _p.GetNonce(_sender));
        Assert.Equal(0UL, _r.GetNonce(_sender));
    }

    [Fact]
    public void A_private_contract_creates_by_its_private_nonce()
    {
        Place(_r, _private, new Asm().Push(0).Push(0).Push(0).Op(CREATE).StoreTop(0));
        _r.SetNonce(_private, 4);
        RunPrivate(_private, [1]);
        Assert.Equal(Address.ForCreate(_private, 4).ToWord(), _r.GetStorage(_private, 0));
        Assert.Equal(5UL, _r.GetNonce(_private));
        Assert.Equal(0UL, _p.GetNonce(_private));
    }

    [Fact]
    public void A_stranger_to_a_creation_gets_a_ghost_account_and_the_known_private_root()
    {
        Fund();
        TransactionOutcome outcome = Execute(null, PrivateMode.NotAParty, null);
        AssertPublicEffects(outcome, 53000 + 64 * 68);
        Assert.True(outcome.Private!.Value.Success);
        Assert.Equal(1UL, _r.GetNonce(outcome.Created!.Value));
        Assert.Equal("0x680c88320d44b4161cfae4acffd27c316057311ff13b261daeae75eb7fdf4871", StateRoot.Compute(_r.TakeChanges()).ToString());
    }

    [Fact]
    public void A_failed_creation_leaves_no_account_on_a_party()
    {
        Fund();
        TransactionOutcome outcome = Execute(null, PrivateMode.Payload, new Asm().Op(INVALID));
        Assert.False(outcome.Private!.Value.Success);
        Assert.False(_r.Exists(outcome.Created!.Value));
        AssertPublicEffects(outcome, 53000 + 64 * 68);
    }

    [Fact]
    public void A_stranger_to_a_call_only_sees_the_nonce_move()
    {
        Place(_r, _private, new Asm().Store(0, 5));
        TransactionOutcome outcome = Execute(_private, PrivateMode.NotAParty, null);
        Assert.Equal(UInt256.Zero, _r.GetStorage(_private, 0));
        AssertPublicEffects(outcome);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_public_state_never_depends_on_how_the_private_side_is_run(bool creation)
    {
        Address? to = creation ? null : _private;
        Hash256[] roots = [.. Enum.GetValues<PrivateMode>().Select(mode =>
        {
            var publicState = new WorldState(EmptyState.Instance);
            var privateState = new WorldState(EmptyState.Instance);
            publicState.SetBalance(_sender, 1000);
            Place(privateState, _private, new Asm().Store(0, 5));
            ulong pool = 1_000_000;
            byte[] payload = mode == PrivateMode.Payload ? new Asm().Store(0, 1) : [];
            TransactionOutcome outcome = Processor()
                .Execute(Message(to, new byte[64], isPrivate: true), publicState, privateState, mode.Answer(payload), ref pool);
            Assert.Equal(TransactionInvalid.None, outcome.Invalid);
            Assert.Equal(1_000_000 - outcome.PoolGasUsed, pool);
            return StateRoot.Compute(publicState.TakeChanges());
        })];
        Assert.Single(roots.Distinct());
    }

    [Fact]
    public void A_gas_price_above_zero_is_refused_until_it_is_enabled()
    {
        Fund();
        TransactionMessage message = Message(_public, []) with { GasPrice = 1, MaxFeePerGas = 1 };
        TransactionOutcome outcome = Processor().Execute(message, _p, null, answer: null, ref _pool);
        Assert.Equal(TransactionInvalid.GasPriceNotZero, outcome.Invalid);
        Assert.Equal(0UL, _p.GetNonce(_sender));
        Assert.Equal(1_000_000_000UL, _pool);
    }

    [Fact]
    public void A_simulation_spans_both_states()
    {
        Place(_r, _private, new Asm().Call(CALL, _public).Op(POP).Push(0).Op(MLOAD).ReturnTop());
        Place(_p, _public, new Asm().Push(7).ReturnTop());
        TransactionMessage call = Message(_private, []) with { IsCall = true, From = default };
        TransactionOutcome outcome = Processor().Execute(call, _p, _r, answer: null, ref _pool);
        Assert.Equal((UInt256)7, UInt256.FromBigEndian(outcome.Output));
    }

    private static TransactionProcessor Processor() =>
        new(new BlockContext { GasLimit = 1_000_000_000, Number = 1 }, Fork.Constantinople,
            new TransactionRules { Evm = new EvmRules { IsQuorum = true } });

    private static void Place(WorldState state, Address address, byte[] code)
    {
        state.SetNonce(address, 1);
        state.SetCode(address, code);
    }

    private static TransactionMessage Message(Address? to, byte[] data, bool isPrivate = false) =>
        new() { From = _sender, To = to, GasLimit = 500_000, Data = data, IsPrivate = isPrivate };

    private void Fund() => _p.SetBalance(_sender, 1000);

    private TransactionOutcome RunPrivate(Address to, byte[] payload)
    {
        Fund();
        return Execute(to, PrivateMode.Payload, payload);
    }

    private TransactionOutcome Execute(Address? to, PrivateMode mode, byte[]? payload)
    {
        byte[] hash = new byte[64];
        Array.Fill(hash, (byte)1);
        return Processor().Execute(Message(to, hash, isPrivate: true), _p, _r, mode.Answer(payload), ref _pool);
    }

    private void AssertPublicEffects(TransactionOutcome outcome, ulong intrinsic = Intrinsic)
    {
        Assert.Equal(TransactionInvalid.None, outcome.Invalid);
        Assert.True(outcome.PublicSuccess);
        Assert.Equal(0UL, outcome.GasUsed);
        Assert.Equal(intrinsic, outcome.PoolGasUsed);
        Assert.Equal(1_000_000_000 - intrinsic, _pool);
        Assert.Equal(1UL, _p.GetNonce(_sender));
        Assert.Empty(outcome.Logs);
    }
}
