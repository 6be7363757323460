using QuorumMesh.Chain.Execution;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using static QuorumMesh.Evm.Opcode;

namespace QuorumMesh.Evm.Tests;

/// <summary>
/// One test for each of GoQuorum's rules for two states (2.5:core/vm/evm.go, instructions.go, gas_table.go;
/// 2.5:core/state_transition.go).
/// </summary>
public sealed class DualStateRuleTests
{
    private static readonly Address _sender = Address.Parse("0xed9d02e382b34818e88b88a309c7fe71e65f419d");
    private static readonly Address _private = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly Address _private2 = Address.Parse("0x1000000000000000000000000000000000000002");
    private static readonly Address _public = Address.Parse("0x2000000000000000000000000000000000000001");
    private static readonly Address _public2 = Address.Parse("0x2000000000000000000000000000000000000002");
    private static readonly Address _nobody = Address.Parse("0x3000000000000000000000000000000000000001");
    private readonly WorldState _p = new(EmptyState.Instance);
    private readonly WorldState _r = new(EmptyState.Instance);
    private ulong _pool = 1_000_000_000;
    private Fork _fork = Fork.Constantinople;
    private EvmTier _tier;
    private bool _extCodeHashIsDual;

    public DualStateRuleTests() => _p.SetBalance(_sender, 1000);

    /// <summary>Every opcode that writes.</summary>
    public static TheoryData<string, byte[]> Writers => new()
    {
        { "SSTORE", new Asm().Store(0, 9) },
        { "SSTORE of the same value", new Asm().Store(0, 0) },
        { "LOG0", new Asm().Push(0).Push(0).Op(LOG0) },
        { "LOG1", new Asm().Push(0).Push(0).Push(0).Op(LOG1) },
        { "LOG2", new Asm().Push(0).Push(0).Push(0).Push(0).Op(LOG2) },
        { "LOG3", new Asm().Push(0).Push(0).Push(0).Push(0).Push(0).Op(LOG3) },
        { "LOG4", new Asm().Push(0).Push(0).Push(0).Push(0).Push(0).Push(0).Op(LOG4) },
        { "CREATE", new Asm().Push(0).Push(0).Push(0).Op(CREATE) },
        { "CREATE2", new Asm().Push(0).Push(0).Push(0).Push(0).Op(CREATE2) },
        { "SELFDESTRUCT", new Asm().Push(0).Op(SELFDESTRUCT) },
    };

    public static TheoryData<Opcode, bool> CurrentState => new()
    {
        // what EXTCODEHASH of public code sees of itself: only a pushed public state has it
        { CALL, true }, { CALLCODE, true }, { DELEGATECALL, true }, { STATICCALL, false },
    };

    [Theory]
    [MemberData(nameof(Writers))]
    public void Writing_opcodes_fail_in_public_code_and_take_the_frames_gas(string opcode, byte[] writer)
    {
        foreach (var kind in new[] { CALL, CALLCODE, DELEGATECALL })
        {
            var test = new DualStateRuleTests();
            Place(test._p, _public, writer);
            Place(test._r, _private, new Asm().Op(GAS).Call(kind, _public).StoreTop(0).Op(GAS).Op(SWAP1).Op(SUB).StoreTop(1));
            test._r.SetStorage(_private, 0, 7);
            Assert.True(test.Run(_private).Success, opcode);
            Assert.Equal(UInt256.Zero, test._r.GetStorage(_private, 0));
            Assert.True(test._r.GetStorage(_private, 1) > (UInt256)100_000, $"{opcode} by {kind}");
            Assert.Equal(UInt256.Zero, test._p.GetStorage(_public, 0));
        }
    }

    [Theory]
    [MemberData(nameof(Writers))]
    public void Writing_opcodes_fail_in_a_callback_from_public_code(string opcode, byte[] writer)
    {
        Place(_p, _public, new Asm().Call(CALL, _private2).ReturnTop());
        Place(_r, _private2, writer);
        Place(_r, _private, new Asm().Call(CALL, _public).Push(0).Op(MLOAD).StoreTop(0).StoreTop(1));
        Assert.True(Run(_private).Success, opcode);
        // The callback failed; public code went on.
        Assert.Equal((UInt256.Zero, UInt256.One), (_r.GetStorage(_private, 0), _r.GetStorage(_private, 1)));
        Assert.True(_r.Exists(_private2));
    }

    [Theory]
    [MemberData(nameof(Writers))]
    public void Writing_opcodes_fail_in_a_private_transaction_straight_to_public_code(string opcode, byte[] writer)
    {
        Place(_p, _public, writer);
        var outcome = Run(_public);
        Assert.True(outcome.Status == EvmStatus.QuorumReadOnly, opcode);
        Assert.Empty(outcome.Logs);
    }

    [Theory]
    [MemberData(nameof(Writers))]
    public void Writing_opcodes_work_in_private_code_called_from_private_code(string opcode, byte[] writer)
    {
        Place(_r, _private2, writer);
        foreach (var kind in new[] { CALL, CALLCODE, DELEGATECALL })
        {
            Place(_r, _private, new Asm().Call(kind, _private2).Op(POP).Push(1).StoreTop(5).Op(STOP));
            Place(_r, _private2, [.. writer]);
            Assert.True(Run(_private).Success, $"{opcode} by {kind}");
        }
    }

    [Fact]
    public void Read_only_ends_with_the_frame_that_began_it()
    {
        Place(_p, _public, new Asm().Call(CALL, _public2).Op(POP));
        Place(_p, _public2, new Asm().Op(STOP));
        Place(_r, _private, new Asm().Call(CALL, _public).Op(POP).Store(0, 5).Call(CALL, _private2).StoreTop(1));
        Place(_r, _private2, new Asm().Store(0, 6));
        Run(_private);
        Assert.Equal(((UInt256)5, UInt256.One, (UInt256)6),
            (_r.GetStorage(_private, 0), _r.GetStorage(_private, 1), _r.GetStorage(_private2, 0)));
    }

    [Theory]
    [MemberData(nameof(CurrentState))]
    public void Calls_push_the_targets_state_but_STATICCALL_does_not(Opcode kind, bool seesItself)
    {
        Place(_p, _public, new Asm().Push(_public).Op(EXTCODEHASH, ISZERO, ISZERO).ReturnTop());
        Place(_r, _private, new Asm().Call(kind, _public).Op(POP).Push(0).Op(MLOAD).StoreTop(0));
        Run(_private);
        Assert.Equal(seesItself ? UInt256.One : UInt256.Zero, _r.GetStorage(_private, 0));
    }

    [Fact]
    public void STATICCALL_finds_public_code_and_forbids_writing_by_itself()
    {
        Place(_p, _public, new Asm().Store(0, 9));
        Place(_r, _private, new Asm().Call(STATICCALL, _public).StoreTop(0).Push(3).StoreTop(1));
        _r.SetStorage(_private, 0, 7);
        Run(_private);
        Assert.Equal((UInt256.Zero, (UInt256)3), (_r.GetStorage(_private, 0), _r.GetStorage(_private, 1)));
    }

    [Theory]
    [InlineData(BALANCE, 11, 22)]
    [InlineData(EXTCODESIZE, 1, 2)]
    public void Operands_are_looked_up_in_the_private_state_first_then_in_the_public_one(Opcode opcode, ulong inPrivate, ulong inPublic)
    {
        Place(_p, _public, new byte[inPublic]);
        _p.SetBalance(_public, inPublic);
        Place(_p, _private2, new byte[inPublic]);
        _p.SetBalance(_private2, inPublic);
        Place(_r, _private2, new byte[inPrivate]);
        _r.SetBalance(_private2, inPrivate);
        Place(_r, _private, new Asm().Push(_private2).Op(opcode).StoreTop(0).Push(_public).Op(opcode).StoreTop(1).Push(_nobody).Op(opcode)
            .StoreTop(2));
        Run(_private);
        Assert.Equal(((UInt256)inPrivate, (UInt256)inPublic, UInt256.Zero),
            (_r.GetStorage(_private, 0), _r.GetStorage(_private, 1), _r.GetStorage(_private, 2)));
    }

    [Fact]
    public void EXTCODECOPY_copies_from_either_state()
    {
        Place(_p, _public, [0xaa]);
        Place(_r, _private, new Asm().Push(1).Push(0).Push(31).Push(_public).Op(EXTCODECOPY).Push(0).Op(MLOAD).StoreTop(0));
        Run(_private);
        Assert.Equal((UInt256)0xaa, _r.GetStorage(_private, 0));
    }

    [Fact]
    public void EXTCODEHASH_looks_into_the_current_state_only()
    {
        Place(_p, _public, new Asm().Push(_private2).Op(EXTCODEHASH, ISZERO).ReturnTop());
        Place(_r, _private2, [0]);
        Place(_r, _private, new Asm()
            .Push(_public).Op(EXTCODEHASH, ISZERO).StoreTop(0) // private code does not see public code
            .Push(_private2).Op(EXTCODEHASH, ISZERO, ISZERO).StoreTop(1)
            .Call(CALL, _public).Op(POP).Push(0).Op(MLOAD).StoreTop(2)); // nor public code a private one
        Run(_private);
        Assert.Equal((UInt256.One, UInt256.One, UInt256.One),
            (_r.GetStorage(_private, 0), _r.GetStorage(_private, 1), _r.GetStorage(_private, 2)));
    }

    /// <summary>From 21.1 on (21.1:core/vm/instructions.go opExtCodeHash).</summary>
    [Fact]
    public void EXTCODEHASH_of_later_profiles_looks_into_both_states()
    {
        Place(_p, _public, new Asm().Op(STOP));
        Place(_r, _private, new Asm().Push(_public).Op(EXTCODEHASH).StoreTop(0).Push(_nobody).Op(EXTCODEHASH).StoreTop(1));
        _extCodeHashIsDual = true;
        Run(_private);
        Assert.Equal((_p.GetCodeHash(_public).ToWord(), UInt256.Zero), (_r.GetStorage(_private, 0), _r.GetStorage(_private, 1)));
    }

    /// <summary>2.6:core/vm/eips.go opSelfBalance: of the current state, which STATICCALL leaves the private one.</summary>
    [Theory]
    [InlineData(CALL, EvmTier.Interpreter, 5)]
    [InlineData(CALL, EvmTier.Compiled, 5)]
    [InlineData(STATICCALL, EvmTier.Interpreter, 0)]
    [InlineData(STATICCALL, EvmTier.Compiled, 0)]
    public void SELFBALANCE_is_that_of_the_current_state(Opcode kind, EvmTier tier, ulong seen)
    {
        Place(_p, _public, new Asm().Op(SELFBALANCE).ReturnTop());
        _p.SetBalance(_public, 5);
        Place(_r, _private, new Asm().Call(kind, _public).Op(POP).Push(0).Op(MLOAD).StoreTop(0));
        _tier = tier;
        _fork = Fork.Istanbul;
        Run(_private);
        Assert.Equal((UInt256)seen, _r.GetStorage(_private, 0));
    }

    [Fact]
    public void SLOAD_and_SSTORE_go_where_the_contract_is()
    {
        Place(_p, _public, new Asm().Push(3).Op(SLOAD).ReturnTop());
        _p.SetStorage(_public, 3, 33);
        Place(_r, _private, new Asm()
            .Call(CALL, _public).Op(POP).Push(0).Op(MLOAD).StoreTop(0) // the public contract's own slot
            .Call(DELEGATECALL, _public).Op(POP).Push(0).Op(MLOAD).StoreTop(1) // the private contract's slot, by public code
            .Call(STATICCALL, _public).Op(POP).Push(0).Op(MLOAD).StoreTop(2));
        _r.SetStorage(_private, 3, 44);
        Run(_private);
        Assert.Equal(((UInt256)33, (UInt256)44, (UInt256)33),
            (_r.GetStorage(_private, 0), _r.GetStorage(_private, 1), _r.GetStorage(_private, 2)));
    }

    [Fact]
    public void An_account_on_both_sides_is_the_private_one()
    {
        Place(_p, _private2, new Asm().Push(1).ReturnTop());
        Place(_r, _private2, new Asm().Push(2).ReturnTop());
        Place(_r, _private, new Asm().Call(CALL, _private2).Op(POP).Push(0).Op(MLOAD).StoreTop(0));
        Run(_private);
        Assert.Equal((UInt256)2, _r.GetStorage(_private, 0));
    }

    [Fact]
    public void Logs_of_private_code_are_private()
    {
        Place(_r, _private, new Asm().Push(0).Push(0).Op(LOG0).Call(CALL, _private2).Op(POP));
        Place(_r, _private2, new Asm().Push(0).Push(0).Op(LOG0));
        var outcome = Execute(_private, PrivateMode.Payload, [1]);
        Assert.Equal([_private, _private2], outcome.Private!.Value.Logs.Select(l => l.Address));
        Assert.Empty(outcome.Logs);
        Assert.Empty(_p.Logs);
    }

    [Fact]
    public void Value_moves_between_private_accounts_in_the_private_state()
    {
        Place(_r, _private, new Asm().Call(CALL, _private2, value: 4).StoreTop(0));
        Place(_r, _private2, []);
        _r.SetBalance(_private, 10);
        Run(_private);
        Assert.Equal((UInt256.One, (UInt256)6, (UInt256)4),
            (_r.GetStorage(_private, 0), _r.GetBalance(_private), _r.GetBalance(_private2)));
        Assert.False(_p.Exists(_private2));
    }

    [Fact]
    public void Value_to_a_new_account_makes_it_in_the_private_state()
    {
        Place(_r, _private, new Asm().Call(CALL, _nobody, value: 4).StoreTop(0));
        _r.SetBalance(_private, 10);
        Run(_private);
        Assert.Equal((UInt256)4, _r.GetBalance(_nobody));
        Assert.False(_p.Exists(_nobody));
    }

    [Theory]
    [InlineData(0, EvmStatus.InsufficientBalance)] // it is the public balance of the caller that counts there
    [InlineData(10, EvmStatus.QuorumReadOnly)]
    public void Value_to_a_public_account_is_refused_and_the_gas_given_back(ulong publicBalance, EvmStatus expected)
    {
        Place(_p, _public, []);
        _p.SetBalance(_private, publicBalance);
        Place(_r, _private, new Asm().Op(GAS).Call(CALL, _public, value: 1).StoreTop(0).Op(GAS).Op(SWAP1).Op(SUB).StoreTop(1));
        _r.SetBalance(_private, 10);
        _r.SetStorage(_private, 0, 7);
        var tracer = new StatusTracer();
        Execute(_private, PrivateMode.Payload, [1], tracer);
        Assert.Equal(UInt256.Zero, _r.GetStorage(_private, 0));
        Assert.True(_r.GetStorage(_private, 1) < (UInt256)60_000);
        Assert.Equal(UInt256.Zero, _p.GetBalance(_public));
        Assert.Contains(expected, tracer.Seen);
    }

    [Fact]
    public void A_traced_writer_that_could_not_pay_either_is_said_to_be_in_read_only_mode()
    {
        Place(_p, _public, new Asm().Push(0).Push(0).Push(0).Push(0).Op(CREATE2));
        Place(_r, _private, new Asm().Push(0).Push(0).Push(0).Push(0).Push(0).Push(_public).Push(1000).Op(CALL).StoreTop(0));
        var tracer = new StatusTracer();
        Assert.True(Execute(_private, PrivateMode.Payload, [1], tracer).Private!.Value.Success);
        Assert.Equal([EvmStatus.QuorumReadOnly, EvmStatus.Success], tracer.Seen);
    }

    [Fact]
    public void CALLCODE_with_value_checks_the_balance_where_the_code_is()
    {
        Place(_p, _public, new Asm().Op(CALLVALUE).ReturnTop());
        Place(_r, _private, new Asm().Call(CALLCODE, _public, value: 2).StoreTop(0).Push(0).Op(MLOAD).StoreTop(1));
        _r.SetBalance(_private, 10);
        Run(_private);
        Assert.Equal(UInt256.Zero, _r.GetStorage(_private, 0));
        _p.SetBalance(_private, 10);
        Run(_private);
        // Nothing is moved, so read-only mode does not mind.
        Assert.Equal((UInt256.One, (UInt256)2), (_r.GetStorage(_private, 0), _r.GetStorage(_private, 1)));
        Assert.Equal((UInt256)10, _p.GetBalance(_private));
    }

    [Theory]
    [InlineData(CALL)]
    [InlineData(STATICCALL)]
    public void Calls_without_value_leave_no_account_behind(Opcode kind)
    {
        Place(_p, _public, new Asm().Call(kind, _nobody).Op(POP).Call(kind, Address.FromWord(4)).Op(POP));
        Place(_r, _private, new Asm().Call(kind, _nobody).StoreTop(0).Call(kind, _public).StoreTop(1)
            .Call(kind, Address.FromWord(4)).Op(POP));
        Run(_private);
        Assert.Equal((UInt256.One, UInt256.One), (_r.GetStorage(_private, 0), _r.GetStorage(_private, 1)));
        foreach (var address in new[] { _nobody, Address.FromWord(4) })
            Assert.Equal((false, false), (_r.Exists(address), _p.Exists(address)));
    }

    [Fact]
    public void Reading_does_not_clear_empty_public_accounts()
    {
        // Such an account is in a genesis file only; a party's STATICCALL would touch it and EIP-158 then remove it, at parties alone.
        var empty = new WorldState(EmptyState.Instance);
        empty.AddBalance(_nobody, default);
        Place(_r, _private, new Asm().Call(STATICCALL, _nobody).Op(POP).Call(CALL, _nobody).Op(POP));
        empty.SetBalance(_sender, 1000);
        empty.FinaliseTransaction(deleteEmpty: false);
        ulong pool = 1_000_000_000;
        var outcome = Processor()
            .Execute(Message(_private, new byte[64], isPrivate: true), empty, _r, PrivateMode.Payload.Answer([1]), ref pool);
        Assert.True(outcome.Private!.Value.Success);
        Assert.True(empty.Exists(_nobody));
    }

    [Fact]
    public void SELFDESTRUCT_of_a_private_contract_pays_its_heir_in_the_private_state()
    {
        Place(_r, _private, new Asm().Push(_public).Op(SELFDESTRUCT));
        _r.SetBalance(_private, 9);
        Place(_p, _public, [0]);
        Run(_private);
        Assert.False(_r.Exists(_private));
        // The heir lives on the other side: a private account of that address comes to be.
        Assert.Equal(((UInt256)9, UInt256.Zero), (_r.GetBalance(_public), _p.GetBalance(_public)));
    }

    [Theory]
    [InlineData(true, 0, false)] // the heir is public and not empty: nothing is made
    [InlineData(false, 0, true)] // the heir is nowhere
    [InlineData(false, 1, false)] // nothing to pay
    public void SELFDESTRUCT_prices_the_heir_where_it_is(bool heirIsPublic, int withoutBalance, bool paysForAnAccount)
    {
        if (heirIsPublic) Place(_p, _nobody, [0]);
        Place(_r, _private2, new Asm().Push(_nobody).Op(SELFDESTRUCT));
        _r.SetBalance(_private2, withoutBalance == 0 ? 9UL : 0);
        Place(_r, _private, new Asm().Op(GAS).Call(CALL, _private2).Op(POP).Op(GAS).Op(SWAP1).Op(SUB).StoreTop(0));
        Run(_private);
        Assert.Equal(paysForAnAccount, _r.GetStorage(_private, 0) > (UInt256)25_000);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void CALL_prices_a_new_account_where_the_target_is(bool targetIsPublic, bool paysForAnAccount)
    {
        if (targetIsPublic) Place(_p, _nobody, [0]);
        Place(_r, _private, new Asm().Op(GAS).Call(CALL, _nobody, value: 1).Op(POP).Op(GAS).Op(SWAP1).Op(SUB).StoreTop(0));
        _r.SetBalance(_private, 9);
        Run(_private);
        Assert.Equal(paysForAnAccount, _r.GetStorage(_private, 0) > (UInt256)25_000);
    }

    [Fact]
    public void SSTORE_is_priced_by_the_private_slot()
    {
        Place(_r, _private, new Asm().Op(GAS).Store(0, 5).Op(GAS).Op(SWAP1).Op(SUB).StoreTop(1));
        _r.SetStorage(_private, 0, 4);
        _r.FinaliseTransaction(deleteEmpty: true);
        Run(_private);
        Assert.InRange((ulong)_r.GetStorage(_private, 1), 5000UL, 5100UL);
    }

    [Fact]
    public void A_transactions_creation_counts_the_public_nonce_and_a_contracts_the_private_one()
    {
        _p.SetNonce(_sender, 3);
        _r.SetNonce(_sender, 8);
        byte[] creator = new Asm().Push(0).Push(0).Push(0).Op(CREATE).StoreTop(0);
        var outcome = Execute(null, PrivateMode.Payload, creator, nonce: 3);
        var created = Address.ForCreate(_sender, 3);
        Assert.Equal(created, outcome.Created);
        Assert.Equal((4UL, 8UL), (_p.GetNonce(_sender), _r.GetNonce(_sender)));
        Assert.Equal(Address.ForCreate(created, 1).ToWord(), _r.GetStorage(created, 0));
        Assert.Equal(2UL, _r.GetNonce(created));
        Assert.True(_r.Exists(Address.ForCreate(created, 1)));
        Assert.False(_p.Exists(Address.ForCreate(created, 1)));
    }

    [Fact]
    public void A_creation_collides_with_a_private_account_only()
    {
        var address = Address.ForCreate(_sender, 0);
        Place(_p, address, [0]);
        Assert.True(Execute(null, PrivateMode.Payload, new Asm().Op(STOP)).Private!.Value.Success);

        var again = new DualStateRuleTests();
        Place(again._r, address, [0]);
        var outcome = again.Execute(null, PrivateMode.Payload, new Asm().Op(STOP)).Private!.Value;
        Assert.Equal((false, EvmStatus.AddressCollision), (outcome.Success, outcome.Status));
        Assert.Equal(1UL, again._p.GetNonce(_sender));
    }

    public static TheoryData<string, byte[]> FailingInitCodes => new()
    {
        { "reverts", new Asm().Push(0).Push(0).Op(REVERT) },
        { "invalid opcode", new Asm().Op(INVALID) },
        { "out of gas", new Asm().Push(0).Push(uint.MaxValue).Op(MSTORE) },
        { "code too large", new Asm().Push(24577).Push(0).Op(RETURN) },
        { "writes, then fails", new Asm().Store(0, 1).Op(INVALID) },
    };

    [Theory]
    [MemberData(nameof(FailingInitCodes))]
    public void A_failed_creation_is_undone_at_parties_and_consumes_the_nonce(string how, byte[] initCode)
    {
        var outcome = Execute(null, PrivateMode.Payload, initCode);
        Assert.False(outcome.Private!.Value.Success, how);
        Assert.False(_r.Exists(outcome.Created!.Value));
        Assert.True(outcome.PublicSuccess);
        Assert.Equal((1UL, 0UL, 53000UL + (64 * 68)), (_p.GetNonce(_sender), outcome.GasUsed, outcome.PoolGasUsed));

        // A stranger to the same transaction has the ghost all the same.
        var stranger = new DualStateRuleTests();
        Assert.True(stranger.Execute(null, PrivateMode.NotAParty, null).Private!.Value.Success);
        Assert.Equal(1UL, stranger._r.GetNonce(outcome.Created.Value));
        Assert.Equal(StateRoot.Compute(_p.TakeChanges()), StateRoot.Compute(stranger._p.TakeChanges()));
    }

    [Theory]
    [MemberData(nameof(FailingInitCodes))]
    public void A_failed_creation_by_a_contract_consumes_its_private_nonce(string how, byte[] initCode)
    {
        byte[] creator = new Asm().Push(initCode).Push(0).Op(MSTORE).Push((ulong)initCode.Length).Push((ulong)(32 - initCode.Length))
            .Push(0).Op(CREATE).StoreTop(0);
        Place(_r, _private, creator);
        _r.SetStorage(_private, 0, 7);
        Run(_private, gas: 2_000_000);
        Assert.Equal((UInt256.Zero, 2UL), (_r.GetStorage(_private, 0), _r.GetNonce(_private)));
        Assert.False(_r.Exists(Address.ForCreate(_private, 1)), how);
    }

    [Fact]
    public void Reverts_undo_the_private_state_of_their_frame_alone()
    {
        Place(_r, _private2, new Asm().Store(0, 6).Push(0).Push(0).Op(REVERT));
        Place(_r, _private, new Asm().Store(0, 5).Call(CALL, _private2).StoreTop(1));
        _r.SetStorage(_private, 1, 7);
        Run(_private);
        Assert.Equal(((UInt256)5, UInt256.Zero, UInt256.Zero),
            (_r.GetStorage(_private, 0), _r.GetStorage(_private, 1), _r.GetStorage(_private2, 0)));
    }

    [Fact]
    public void A_party_that_calls_a_contract_it_only_has_as_a_ghost_succeeds_without_effect()
    {
        var ghost = Execute(null, PrivateMode.NotAParty, null).Created!.Value;
        var outcome = Execute(ghost, PrivateMode.Payload, [1, 2, 3], nonce: 1).Private!.Value;
        Assert.True(outcome.Success);
        Assert.Equal((1UL, Hash256.EmptyCode), (_r.GetNonce(ghost), _r.GetCodeHash(ghost)));
    }

    [Fact]
    public void Calls_to_a_ghost_stay_private_though_the_address_has_public_code()
    {
        var ghost = Execute(null, PrivateMode.NotAParty, null).Created!.Value;
        Place(_p, ghost, new Asm().Push(7).ReturnTop());
        Place(_r, _private, new Asm().Push(ghost).Op(EXTCODESIZE).StoreTop(0).Call(CALL, ghost).Op(POP).Op(RETURNDATASIZE).StoreTop(1));
        _r.SetStorage(_private, 0, 7);
        Run(_private, nonce: 1);
        Assert.Equal((UInt256.Zero, UInt256.Zero), (_r.GetStorage(_private, 0), _r.GetStorage(_private, 1)));
    }

    [Fact]
    public void Touched_empty_private_accounts_are_cleared_after_the_transaction()
    {
        _r.AddBalance(_nobody, default);
        _r.FinaliseTransaction(deleteEmpty: false);
        Place(_r, _private, new Asm().Push(_nobody).Op(SELFDESTRUCT));
        Run(_private);
        Assert.False(_r.Exists(_nobody));
    }

    [Fact]
    public void A_private_creation_with_value_is_invalid_for_everybody_and_a_call_with_value_fails_privately()
    {
        foreach (var mode in Enum.GetValues<PrivateMode>())
        {
            var message = Message(null, new byte[64], isPrivate: true) with { Value = 1 };
            Assert.Equal(TransactionInvalid.InsufficientBalanceForTransfer,
                Processor().Execute(message, _p, _r, mode.Answer([1]), ref _pool).Invalid);
            Assert.Equal(0UL, _p.GetNonce(_sender));
        }
        Place(_r, _private, new Asm().Store(0, 5));
        var call = Processor().Execute(Message(_private, new byte[64], isPrivate: true) with { Value = 1 }, _p, _r,
            PrivateMode.Payload.Answer([1]), ref _pool);
        Assert.Equal((TransactionInvalid.None, true, false), (call.Invalid, call.PublicSuccess, call.Private!.Value.Success));
        Assert.Equal((1UL, UInt256.Zero), (_p.GetNonce(_sender), _r.GetStorage(_private, 0)));
    }

    [Fact]
    public void The_public_root_is_the_same_whatever_private_code_does()
    {
        // Random programs of calls and writers over addresses of both sides: the public state is what a node without the payload has.
        var random = new Random(42);
        Address[] addresses = [_private, _private2, _public, _public2, _nobody, _sender, Address.FromWord(1), Address.FromWord(4), default];
        byte[][] writers = [.. Writers.Select(row => (byte[])row[1])];
        for (var round = 0; round < 300; round++)
        {
            var (party, stranger) = (new DualStateRuleTests(), new DualStateRuleTests());
            foreach (var test in new[] { party, stranger })
            {
                var same = new Random(round);
                Place(test._p, _public, Program(same));
                Place(test._p, _public2, Program(same));
                test._p.SetBalance(_public, 50);
                test._p.SetBalance(_private, 5);
                test._p.FinaliseTransaction(deleteEmpty: true);
            }
            Place(party._r, _private, Program(random));
            Place(party._r, _private2, Program(random));
            party._r.SetBalance(_private, 50);
            var to = random.Next(5) == 0 ? (Address?)null : addresses[random.Next(4)];
            party.Execute(to, PrivateMode.Payload, Program(random));
            stranger.Execute(to, PrivateMode.PublicOnly, null);
            Assert.Equal(StateRoot.Compute(stranger._p.TakeChanges()), StateRoot.Compute(party._p.TakeChanges()));
        }

        byte[] Program(Random choose)
        {
            var code = new List<byte>();
            for (var i = choose.Next(1, 8); i > 0; i--)
            {
                Opcode[] kinds = [CALL, CALLCODE, DELEGATECALL, STATICCALL];
                code.AddRange(choose.Next(3) == 0
                    ? writers[choose.Next(writers.Length)]
                    : (byte[])new Asm().Call(kinds[choose.Next(4)], addresses[choose.Next(addresses.Length)],
                        value: (ulong)choose.Next(2)).Op(POP));
            }
            return [.. code];
        }
    }

    private sealed class StatusTracer : IEvmTracer
    {
        public List<EvmStatus> Seen { get; } = [];

        public void Step(in EvmStep step)
        {
        }

        public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value)
        {
        }

        public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output) => Seen.Add(status);
    }

    private TransactionProcessor Processor() =>
        new(new BlockContext { GasLimit = 1_000_000_000, Number = 1 }, _fork,
            new TransactionRules { Evm = new EvmRules { IsQuorum = true, ExtCodeHashIsDual = _extCodeHashIsDual } }, _tier);

    private static TransactionMessage Message(Address? to, byte[] data, bool isPrivate, ulong nonce = 0, ulong gas = 500_000) =>
        new() { From = _sender, To = to, GasLimit = gas, Nonce = nonce, Data = data, IsPrivate = isPrivate };

    private static void Place(WorldState state, Address address, byte[] code)
    {
        state.SetNonce(address, 1);
        state.SetCode(address, code);
    }

    private PrivateOutcome Run(Address to, ulong? nonce = null, ulong gas = 500_000) =>
        Execute(to, PrivateMode.Payload, [1], nonce: nonce ?? _p.GetNonce(_sender), gas: gas).Private!.Value;

    private TransactionOutcome Execute(Address? to, PrivateMode mode, byte[]? payload, IEvmTracer? tracer = null, ulong nonce = 0,
        ulong gas = 500_000)
    {
        byte[] hash = new byte[64];
        Array.Fill(hash, (byte)1);
        var outcome = Processor().Execute(Message(to, hash, isPrivate: true, nonce, gas), _p, _r, mode.Answer(payload), ref _pool, tracer);
        Assert.Equal(TransactionInvalid.None, outcome.Invalid);
        return outcome;
    }
}
