using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using static QuorumMesh.Evm.Opcode;

namespace QuorumMesh.Evm.Tests;

/// <summary>EIP-7702, rule by rule.</summary>
public class SetCodeTests
{
    private const ulong ChainId = 10;
    private static readonly byte[] _key = new UInt256(7).ToBigEndian();
    private static readonly byte[] _otherKey = new UInt256(8).ToBigEndian();
    private static readonly Address _authority = AddressOf(_key);
    private static readonly Address _other = AddressOf(_otherKey);
    private static readonly Address _sender = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly Address _wallet = Address.Parse("0x2000000000000000000000000000000000000001");
    private static readonly Address _caller = Address.Parse("0x2000000000000000000000000000000000000002");
    private readonly WorldState _state = new(EmptyState.Instance);

    public SetCodeTests() => _state.SetNonce(_sender, 5);

    [Fact]
    public void An_authorization_delegates_and_the_code_runs_in_the_authoritys_account()
    {
        _state.SetCode(_wallet, new Asm().Op(ADDRESS).StoreTop(0).Store(1, 42));
        TransactionOutcome outcome = Send(_authority, [Sign(_key, _wallet, 0)]);
        Assert.True(outcome.PublicSuccess);
        Assert.Equal(Delegation.Encode(_wallet), _state.GetCode(_authority));
        Assert.Equal(1UL, _state.GetNonce(_authority));
        Assert.Equal(_authority.ToWord(), _state.GetStorage(_authority, 0));
        Assert.Equal((UInt256)42, _state.GetStorage(_authority, 1));
        Assert.Equal(UInt256.Zero, _state.GetStorage(_wallet, 1));
    }

    [Fact]
    public void Every_tuple_costs_25000_and_an_account_that_is_there_gives_12500_back()
    {
        TransactionOutcome fresh = Send(_caller, [Sign(_key, _wallet, 0), Sign(_otherKey, _wallet, 0)]);
        Assert.Equal(21000UL + 2 * 25000, fresh.GasUsed);
        // Refunds are at most a fifth of what was used.
        TransactionOutcome again = Send(_caller, [Sign(_key, _wallet, 1)]);
        Assert.Equal(46000UL - 46000 / 5, again.GasUsed);
    }

    [Fact]
    public void Gas_for_every_tuple_must_be_there()
    {
        Assert.Equal(TransactionInvalid.IntrinsicGas, Send(_caller, [Sign(_key, _wallet, 0)], gas: 45999).Invalid);
        Assert.Equal(TransactionInvalid.None, Send(_caller, [Sign(_key, _wallet, 0)], gas: 46000).Invalid);
    }

    [Fact]
    public void Chain_id_zero_is_good_everywhere_another_chains_is_not()
    {
        Send(_caller, [Authorization.Sign(11, _wallet, 0, _key), Authorization.Sign(0, _wallet, 0, _otherKey)]);
        Assert.Empty(_state.GetCode(_authority));
        Assert.Equal(Delegation.Encode(_wallet), _state.GetCode(_other));
    }

    [Fact]
    public void A_wrong_nonce_passes_the_tuple_over_but_costs()
    {
        TransactionOutcome outcome = Send(_caller, [Sign(_key, _wallet, 1), Sign(_otherKey, _wallet, ulong.MaxValue)]);
        Assert.Equal(71000UL, outcome.GasUsed);
        Assert.False(_state.Exists(_authority));
        Assert.False(_state.Exists(_other));
    }

    [Fact]
    public void A_bad_signature_passes_the_tuple_over()
    {
        Authorization good = Sign(_key, _wallet, 0);
        Authorization[] bad = [good with { YParity = 2 }, good with { S = Secp256k1.Order - good.S, YParity = (byte)(1 - good.YParity) },
            good with { R = UInt256.Zero }, good with { S = UInt256.Zero }, good with { R = UInt256.MaxValue }];
        Assert.Equal(TransactionInvalid.None, Send(_caller, bad).Invalid);
        Assert.Empty(_state.GetCode(_authority));
    }

    [Fact]
    public void An_account_with_other_code_stays_as_it_is()
    {
        _state.SetCode(_authority, [0x60]);
        Send(_caller, [Sign(_key, _wallet, 0)]);
        Assert.Equal([0x60], _state.GetCode(_authority));
        Assert.Equal(0UL, _state.GetNonce(_authority));
    }

    [Fact]
    public void The_last_valid_tuple_of_an_authority_wins()
    {
        Send(_caller, [Sign(_key, _wallet, 0), Sign(_key, _caller, 1), Sign(_key, _sender, 1)]);
        Assert.Equal(Delegation.Encode(_caller), _state.GetCode(_authority));
        Assert.Equal(2UL, _state.GetNonce(_authority));
    }

    [Fact]
    public void The_zero_address_takes_the_delegation_back()
    {
        Send(_caller, [Sign(_key, _wallet, 0)]);
        Send(_caller, [Sign(_key, default, 1)]);
        Assert.Equal(Hash256.EmptyCode, _state.GetCodeHash(_authority));
        Assert.Equal(2UL, _state.GetNonce(_authority));
    }

    [Fact]
    public void A_sender_that_authorizes_itself_signs_the_nonce_after_its_own()
    {
        _state.SetNonce(_authority, 3);
        Send(_authority, [Sign(_key, _wallet, 4)], from: _authority);
        Assert.Equal(Delegation.Encode(_wallet), _state.GetCode(_authority));
        Assert.Equal(5UL, _state.GetNonce(_authority));
    }

    [Fact]
    public void A_failing_transaction_keeps_its_delegations()
    {
        _state.SetCode(_wallet, new Asm().Store(0, 1).Push(0).Push(0).Op(REVERT));
        TransactionOutcome outcome = Send(_authority, [Sign(_key, _wallet, 0)]);
        Assert.False(outcome.PublicSuccess);
        Assert.Equal(EvmStatus.Revert, outcome.Status);
        Assert.Equal(Delegation.Encode(_wallet), _state.GetCode(_authority));
        Assert.Equal(UInt256.Zero, _state.GetStorage(_authority, 0));
    }

    [Fact]
    public void A_delegated_account_may_send_one_with_code_may_not()
    {
        _state.SetCode(_authority, Delegation.Encode(_wallet));
        Assert.Equal(TransactionInvalid.None, Send(_caller, [Sign(_otherKey, _wallet, 0)], from: _authority).Invalid);
        _state.SetCode(_authority, [0xef, 0x01, 0x01, .. new byte[20]]);
        Assert.Equal(TransactionInvalid.SenderNotEoa, Send(_caller, [Sign(_otherKey, _wallet, 1)], from: _authority).Invalid);
    }

    [Fact]
    public void Shape_and_fork_are_checked()
    {
        Assert.Equal(TransactionInvalid.AuthorizationsMissing, Send(_caller, []).Invalid);
        Assert.Equal(TransactionInvalid.SetCodeCreation, Send(null, [Sign(_key, _wallet, 0)]).Invalid);
        Assert.Equal(TransactionInvalid.TypeNotSupported, Send(_caller, [Sign(_key, _wallet, 0)], fork: Fork.Cancun).Invalid);
    }

    [Theory]
    [InlineData(EXTCODESIZE)]
    [InlineData(EXTCODEHASH)]
    [InlineData(EXTCODECOPY)]
    public void Code_readers_see_the_designator(Opcode reader)
    {
        _state.SetCode(_authority, Delegation.Encode(_wallet));
        _state.SetCode(_wallet, new byte[100]);
        Asm code = reader == EXTCODECOPY
            ? new Asm().Push(32).Push(0).Push(0).Push(_authority).Op(EXTCODECOPY).Push(0).Op(MLOAD)
            : new Asm().Push(_authority).Op(reader);
        byte[] padded = new byte[32];
        Delegation.Encode(_wallet).CopyTo(padded, 0);
        UInt256 expected = reader switch
        {
            EXTCODESIZE => 23u,
            EXTCODEHASH => Keccak.Hash(Delegation.Encode(_wallet)).ToWord(),
            _ => UInt256.FromBigEndian(padded),
        };
        Assert.Equal(expected, UInt256.FromBigEndian(RunCode(code.ReturnTop()).Output));
    }

    [Fact]
    public void Codesize_and_codecopy_see_the_running_code()
    {
        byte[] code = new Asm().Op(CODESIZE).Push(0).Op(MSTORE).Push(1).Push(0).Push(32).Op(CODECOPY).Push(33).Push(0).Op(RETURN);
        _state.SetCode(_wallet, code);
        byte[] output = Send(_authority, [Sign(_key, _wallet, 0)]).Output;
        Assert.Equal((UInt256)code.Length, UInt256.FromBigEndian(output.AsSpan(0, 32)));
        Assert.Equal(code[0], output[32]);
    }

    [Theory]
    [InlineData(CALL)]
    [InlineData(CALLCODE)]
    [InlineData(DELEGATECALL)]
    [InlineData(STATICCALL)]
    public void All_calls_follow_one_delegation_for_the_price_of_the_second_account(Opcode kind)
    {
        _state.SetCode(_authority, Delegation.Encode(_wallet));
        _state.SetCode(_wallet, new Asm().Push(7).ReturnTop());
        byte[] twice = new Asm().Call(kind, _authority).Op(POP).Op(GAS).Call(kind, _authority).Op(POP).Op(GAS).Op(SWAP1).Op(SUB).Push(32)
            .Op(MSTORE).Push(64).Push(0).Op(RETURN);
        EvmResult result = RunCode(twice);
        Assert.Equal((UInt256)7, UInt256.FromBigEndian(result.Output.AsSpan(0, 32)));
        // Both accounts are warm the second time.
        UInt256 second = UInt256.FromBigEndian(result.Output.AsSpan(32, 32));
        byte[] plain = new Asm().Call(kind, _wallet).Op(POP).Op(GAS).Call(kind, _wallet).Op(POP).Op(GAS).Op(SWAP1).Op(SUB).Push(32)
            .Op(MSTORE).Push(64).Push(0).Op(RETURN);
        EvmResult bare = RunCode(plain);
        Assert.Equal(second, UInt256.FromBigEndian(bare.Output.AsSpan(32, 32)) + 100u);
        // The first time both are cold, then two times 100 for the second account.
        Assert.Equal(2600 + 100L, (long)bare.GasLeft - (long)result.GasLeft);
    }

    [Fact]
    public void A_chain_of_delegations_ends_after_one_step()
    {
        _state.SetCode(_authority, Delegation.Encode(_other));
        _state.SetCode(_other, Delegation.Encode(_wallet));
        _state.SetCode(_wallet, new Asm().Push(7).ReturnTop());
        // The second designator is run as code, and 0xef is no instruction.
        EvmResult result = RunCode(new Asm().Call(CALL, _authority).ReturnTop());
        Assert.Equal(UInt256.Zero, UInt256.FromBigEndian(result.Output));
        Assert.Equal(TransactionInvalid.None, Send(_authority, [Sign(_otherKey, _other, 0)]).Invalid);
    }

    [Fact]
    public void A_delegation_to_a_precompile_runs_nothing()
    {
        _state.SetCode(_authority, Delegation.Encode(PrecompileTable.AddressOf(4)));
        byte[] code = new Asm().Push(9).Push(0).Op(MSTORE).Push(32).Push(32).Push(32).Push(0).Push(0).Push(_authority).Push(100_000)
            .Op(CALL).Push(32).Op(MLOAD).Op(ADD).ReturnTop();
        Assert.Equal(UInt256.One, UInt256.FromBigEndian(RunCode(code).Output));
    }

    [Fact]
    public void The_implementation_of_the_destination_is_warm()
    {
        _state.SetCode(_wallet, new Asm().Op(GAS).Push(_wallet).Op(BALANCE, POP, GAS).Op(SWAP1).Op(SUB).ReturnTop());
        byte[] output = Send(_authority, [Sign(_key, _wallet, 0)]).Output;
        // PUSH20, BALANCE warm, POP, GAS.
        Assert.Equal((UInt256)(3 + 100 + 2 + 2), UInt256.FromBigEndian(output));
    }

    [Fact]
    public void An_authority_is_warm_even_when_its_tuple_is_not_valid()
    {
        _state.SetCode(_caller, new Asm().Op(GAS).Push(_authority).Op(BALANCE, POP, GAS).Op(SWAP1).Op(SUB).ReturnTop());
        Assert.Equal((UInt256)107, UInt256.FromBigEndian(Send(_caller, [Sign(_key, _wallet, 9)]).Output));
        Assert.Equal((UInt256)(107 + 2500), UInt256.FromBigEndian(Send(_caller, [Authorization.Sign(11, _wallet, 0, _key)]).Output));
    }

    [Fact]
    public void Before_prague_a_designator_is_ordinary_code()
    {
        _state.SetCode(_authority, Delegation.Encode(_wallet));
        _state.SetCode(_wallet, new Asm().Push(7).ReturnTop());
        Assert.Equal(UInt256.Zero, UInt256.FromBigEndian(RunCode(new Asm().Call(CALL, _authority).ReturnTop(), Fork.Cancun).Output));
    }

    [Fact]
    public void Deployed_code_cannot_be_a_designator()
    {
        byte[] init = new Asm().Push([.. Delegation.Encode(_wallet)]).Push(72).Op(SHL).Push(0).Op(MSTORE).Push(23).Push(0).Op(RETURN);
        EvmResult result = Machine(Fork.Prague).Create(_sender, default, _sender, init, 1_000_000, default, _state, _state);
        Assert.Equal(EvmStatus.InvalidCode, result.Status);
    }

    [Fact]
    public void A_private_transaction_runs_the_private_or_public_code_that_a_delegation_names()
    {
        var privateState = new WorldState(EmptyState.Instance);
        _state.SetCode(_authority, Delegation.Encode(_wallet));
        _state.SetCode(_wallet, new Asm().Push(7).ReturnTop());
        privateState.SetCode(_caller, new Asm().Call(CALL, _authority).Op(POP).Push(0).Op(MLOAD).StoreTop(0));
        var rules = new TransactionRules { Evm = new EvmRules { IsQuorum = true } };
        var message = new TransactionMessage
        {
            From = _sender,
            To = _caller,
            Nonce = 5,
            GasLimit = 1_000_000,
            Data = new byte[64],
            IsPrivate = true
        };
        ulong pool = 1_000_000_000;
        TransactionOutcome outcome = new TransactionProcessor(Block(), Fork.Prague, rules)
            .Execute(message, _state, privateState, PrivateMode.Payload.Answer([1]), ref pool);
        Assert.True(outcome.Private!.Value.Success);
        Assert.Equal((UInt256)7, privateState.GetStorage(_caller, 0));
        Assert.Equal(0UL, outcome.GasUsed);
    }

    [Theory]
    [InlineData(Fork.Cancun, 21000 + 64 * 4, 0)]
    [InlineData(Fork.Prague, 21000 + 64 * 10, 0)]
    [InlineData(Fork.Prague, 21000 + 64 * 40, 1)]
    [InlineData(Fork.Osaka, 21000 + 64 * 40, 1)]
    public void A_private_transactions_floor_is_over_its_64_byte_hash(Fork fork, ulong least, byte fill)
    {
        byte[] hash = [.. Enumerable.Repeat(fill, 64)];
        var rules = new TransactionRules { Evm = new EvmRules { IsQuorum = true } };
        var message = new TransactionMessage
        {
            From = _sender,
            To = _caller,
            Nonce = 5,
            GasLimit = least - 1,
            Data = hash,
            IsPrivate = true
        };
        ulong pool = 1_000_000;
        var processor = new TransactionProcessor(Block(), fork, rules);
        Assert.Equal(TransactionInvalid.IntrinsicGas, processor.Execute(message, _state, null, answer: null, ref pool).Invalid);
        Assert.Equal(TransactionInvalid.None,
            processor.Execute(message with { GasLimit = least }, _state, null, answer: null, ref pool).Invalid);
        Assert.Equal(1_000_000 - least, pool);
    }

    [Fact]
    public void The_floor_price_of_call_data_counts_when_execution_uses_less()
    {
        var message = new TransactionMessage
        {
            From = _sender,
            To = _caller,
            Nonce = 5,
            GasLimit = 100_000,
            Data = [.. Enumerable.Repeat((byte)1, 100)]
        };
        Assert.Equal(21000UL + 100 * 40, Execute(message, Fork.Prague).GasUsed);
        _state.SetNonce(_sender, 5);
        Assert.Equal(21000UL + 100 * 16, Execute(message, Fork.Cancun).GasUsed);
        _state.SetNonce(_sender, 5);
        Assert.Equal(TransactionInvalid.IntrinsicGas, Execute(message with { GasLimit = 24_999 }, Fork.Prague).Invalid);
        // Execution that costs more than the floor is charged at the old price.
        _state.SetCode(_caller, new Asm().Store(0, 1));
        Assert.Equal(21000UL + 100 * 16 + 3 + 3 + 22100, Execute(message, Fork.Prague).GasUsed);
    }

    [Fact]
    public void Only_plain_ethereum_rules_cap_the_gas_of_a_transaction()
    {
        var message = new TransactionMessage { From = _sender, To = _caller, Nonce = 5, GasLimit = (1 << 24) + 1 };
        Assert.Equal(TransactionInvalid.GasLimitTooHigh, Execute(message, Fork.Osaka, TransactionRules.Ethereum).Invalid);
        Assert.Equal(TransactionInvalid.None, Execute(message, Fork.Prague, TransactionRules.Ethereum).Invalid);
        Assert.Equal(TransactionInvalid.None,
            Execute(message with { Nonce = 6 }, Fork.Osaka, new TransactionRules { Evm = new EvmRules { IsQuorum = true } }).Invalid);
    }

    private TransactionOutcome Send(Address? to, Authorization[] list, ulong gas = 1_000_000, Address? from = null, Fork fork = Fork.Prague)
    {
        Address sender = from ?? _sender;
        return Execute(new TransactionMessage
        {
            Type = TransactionType.SetCode,
            From = sender,
            To = to,
            Nonce = _state.GetNonce(sender),
            GasLimit = gas,
            AuthorizationList = list,
            Authorities = [.. list.Select(a => a.TryRecover(out Address authority) ? authority : (Address?)null)],
        }, fork);
    }

    private TransactionOutcome Execute(TransactionMessage message, Fork fork, TransactionRules? rules = null)
    {
        ulong pool = 1_000_000_000;
        return new TransactionProcessor(Block(), fork, rules ?? TransactionRules.Ethereum)
            .Execute(message, _state, null, answer: null, ref pool);
    }

    private EvmResult RunCode(byte[] code, Fork fork = Fork.Prague)
    {
        _state.SetCode(_caller, code);
        _state.BeginTransaction();
        return Machine(fork).Call(_sender, default, _sender, _caller, [], 1_000_000, default, _state, _state);
    }

    private static EvmMachine Machine(Fork fork) => new(Block(), fork, EvmOptions.Default);

    private static BlockContext Block() =>
        new()
        {
            GasLimit = 1_000_000_000,
            Number = 1,
            ChainId = ChainId,
            Coinbase = Address.Parse("0x3000000000000000000000000000000000000001")
        };

    private static Authorization Sign(byte[] key, Address target, ulong nonce) => Authorization.Sign(ChainId, target, nonce, key);

    private static Address AddressOf(byte[] key) => Secp256k1.AddressOf(Secp256k1.PublicKey(key));
}
