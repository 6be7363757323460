using System.Text;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.Trie;
using static QuorumMesh.Evm.Opcode;

namespace QuorumMesh.Evm.Tests;

/// <summary>Private transactions with privacy flags, verified when they have run (24:core/state_transition_pmh.go).</summary>
public class PrivacyFlagTests
{
    private static readonly Address _sender = Address.Parse("0xed9d02e382b34818e88b88a309c7fe71e65f419d");
    private static readonly Address _contract = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly Address _other = Address.Parse("0x1000000000000000000000000000000000000002");
    private static readonly Address _public = Address.Parse("0x2000000000000000000000000000000000000001");
    private static readonly PayloadHash _creation = Sha3.HashPayload([1]);
    private static readonly PayloadHash _otherCreation = Sha3.HashPayload([2]);
    private static readonly PayloadHash _hash = Sha3.HashPayload([3]);
    private readonly WorldState _p = new(EmptyState.Instance);
    private readonly WorldState _r = new(EmptyState.Instance);
    private bool _isEnhanced = true;

    [Theory]
    [InlineData(PrivacyMode.PartyProtection)]
    [InlineData(PrivacyMode.MandatoryRecipients)]
    public void A_contract_takes_transactions_of_its_flag_that_prove_its_creation(PrivacyMode mode)
    {
        Place(_contract, new Asm().Store(0, 5), new PrivacyMetadata(_creation, mode));
        Assert.Equal(PrivacyFault.None, Run(_contract, mode, [_creation, _otherCreation]).Fault);
        Assert.Equal(5u, _r.GetStorage(_contract, 0));
    }

    [Theory]
    [InlineData(PrivacyMode.PartyProtection, false, PrivacyFault.NotProven)]
    [InlineData(PrivacyMode.StandardPrivate, true, PrivacyFault.FlagsDiffer)]
    [InlineData(PrivacyMode.MandatoryRecipients, true, PrivacyFault.FlagsDiffer)]
    public void Any_other_fails_privately_and_leaves_no_trace(PrivacyMode mode, bool isProven, PrivacyFault fault)
    {
        Place(_contract, new Asm().Store(0, 5).Push(0).Push(0).Op(LOG0), new PrivacyMetadata(_creation, PrivacyMode.PartyProtection));
        var outcome = Run(_contract, mode, isProven ? [_creation] : []);
        Assert.Equal((false, fault), (outcome.Success, outcome.Fault));
        Assert.Equal(UInt256.Zero, _r.GetStorage(_contract, 0));
        Assert.Empty(outcome.Logs);
    }

    [Fact]
    public void Before_its_block_nothing_is_looked_at()
    {
        _isEnhanced = false;
        Place(_contract, new Asm().Store(0, 5), new PrivacyMetadata(_creation, PrivacyMode.PartyProtection));
        Assert.True(Run(_contract, PrivacyMode.StandardPrivate, []).Success);
    }

    [Fact]
    public void A_read_by_STATICCALL_counts_and_one_of_a_public_contract_does_not()
    {
        Place(_contract, new Asm().Call(STATICCALL, _public), new PrivacyMetadata(_creation, PrivacyMode.PartyProtection));
        _p.SetNonce(_public, 1);
        _p.SetCode(_public, new Asm().Push(1).ReturnTop());
        Assert.Equal(PrivacyFault.None, Run(_contract, PrivacyMode.PartyProtection, [_creation]).Fault);
        Place(_other, new Asm().Push(1).ReturnTop(), null);
        Place(_contract, new Asm().Call(STATICCALL, _other), new PrivacyMetadata(_creation, PrivacyMode.PartyProtection));
        Assert.Equal(PrivacyFault.MetadataMissing, Run(_contract, PrivacyMode.PartyProtection, [_creation]).Fault);
    }

    [Fact]
    public void A_ghost_of_a_contract_that_this_node_is_no_party_of_fails()
    {
        _r.SetNonce(_contract, 1);
        Assert.Equal(PrivacyFault.MetadataMissing, Run(_contract, PrivacyMode.PartyProtection, [_creation]).Fault);
        Assert.Equal(PrivacyFault.None, Run(_contract, PrivacyMode.StandardPrivate, []).Fault);
    }

    [Theory]
    [InlineData(PrivacyMode.PartyProtection)]
    [InlineData(PrivacyMode.StandardPrivate)]
    public void Contracts_that_were_made_remember_it_children_too(PrivacyMode mode)
    {
        byte[] child = new Asm().Push(7).ReturnTop().Deployer();
        var init = new Asm();
        for (var i = 0; i < child.Length; i++) init.Push(child[i]).Push((ulong)i).Op(MSTORE8);
        init.Push((ulong)child.Length).Push(0).Push(0).Op(CREATE).StoreTop(0);
        var outcome = Run(null, mode, [], payload: init);
        Assert.True(outcome.Success);
        var made = Address.FromWord(_r.GetStorage(outcome.Created!.Value, 0));
        Assert.NotEqual(Address.Zero, made);
        var expected = mode == PrivacyMode.StandardPrivate ? null : new PrivacyMetadata(_hash, mode);
        Assert.Equal((expected, expected), (_r.GetPrivacy(outcome.Created.Value), _r.GetPrivacy(made)));
    }

    [Fact]
    public void Private_state_validation_compares_all_accounts_that_were_touched()
    {
        Place(_contract, new Asm().Store(0, 5), new PrivacyMetadata(_creation, PrivacyMode.PrivateStateValidation));
        var after = new Account(1, UInt256.Zero, StateRoot.OfStorage([new(0, 5)]), _r.GetCodeHash(_contract));
        var root = TrieRoot.Of([new(_contract.ToArray(), after.Encode())]);
        var text = Convert.ToBase64String(root.Bytes);
        Assert.Equal(PrivacyFault.ExecutionHashDiffers, Run(_contract, PrivacyMode.PrivateStateValidation, [_creation],
            Convert.ToBase64String(Hash256.EmptyTrie.Bytes)).Fault);
        Assert.Equal(UInt256.Zero, _r.GetStorage(_contract, 0));
        // Go's decoder passes over line ends.
        var broken = text[..20] + "\n" + text[20..];
        Assert.Equal(PrivacyFault.None, Run(_contract, PrivacyMode.PrivateStateValidation, [_creation], broken).Fault);
        Assert.Equal(5u, _r.GetStorage(_contract, 0));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no base64!")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    public void An_execution_hash_that_cannot_be_read_fails_and_the_nonce_counts_as_at_strangers(string text)
    {
        var outcome = Run(null, PrivacyMode.PrivateStateValidation, [], text, new Asm().Push(7).ReturnTop().Deployer());
        Assert.Equal((false, PrivacyFault.ExecutionHashMissing), (outcome.Success, outcome.Fault));
        Assert.Equal(1UL, _p.GetNonce(_sender));
        Assert.False(_r.Exists(Address.ForCreate(_sender, 0)));
    }

    /// <summary>GoQuorum ends itself over such a one, which its sender's node refuses.</summary>
    [Fact]
    public void An_account_that_was_made_and_taken_back_fails_the_transaction_alone()
    {
        byte[] init = new Asm().Push(0).Push(0).Op(REVERT);
        var code = new Asm();
        for (var i = 0; i < init.Length; i++) code.Push(init[i]).Push((ulong)i).Op(MSTORE8);
        code.Push((ulong)init.Length).Push(0).Push(0).Op(CREATE).Store(0, 5);
        Place(_contract, code, new PrivacyMetadata(_creation, PrivacyMode.PrivateStateValidation));
        var outcome = Run(_contract, PrivacyMode.PrivateStateValidation, [_creation], Convert.ToBase64String(Hash256.EmptyTrie.Bytes));
        Assert.Equal((false, PrivacyFault.ExecutionHashDiffers), (outcome.Success, outcome.Fault));
        Assert.Equal(UInt256.Zero, _r.GetStorage(_contract, 0));
    }

    [Fact]
    public void Private_code_begins_with_everything_cold_under_Berlin()
    {
        Place(_contract, new Asm().Op(GAS).Push(_contract).Op(BALANCE, POP, GAS, SWAP1, SUB).StoreTop(0), null);
        Run(_contract, PrivacyMode.StandardPrivate, [], fork: Fork.Berlin);
        // 2,600 for an account that nobody has looked at, and what stands around it.
        Assert.InRange((ulong)_r.GetStorage(_contract, 0), 2_600UL, 2_620UL);
    }

    private void Place(Address address, byte[] code, PrivacyMetadata? privacy)
    {
        _r.SetNonce(address, 1);
        _r.SetCode(address, code);
        if (privacy is not null) _r.SetPrivacy(address, privacy);
    }

    private PrivateOutcome Run(Address? to, PrivacyMode mode, PayloadHash[] affected, string executionHash = "", byte[]? payload = null,
        Fork fork = Fork.Istanbul)
    {
        var processor = new TransactionProcessor(new BlockContext { GasLimit = 1_000_000_000, Number = 1 }, fork,
            new TransactionRules { Evm = new EvmRules { IsQuorum = true }, HasPrivacyEnhancements = _isEnhanced });
        var message = new TransactionMessage
        {
            From = _sender,
            To = to,
            Nonce = _p.GetNonce(_sender),
            GasLimit = 1_000_000,
            Data = _hash.ToArray(),
            IsPrivate = true,
        };
        var answer = PayloadAnswer.Here(_hash, payload ?? [1]) with
        {
            PrivacyMode = mode,
            AffectedTransactions = affected,
            ExecutionHash = Encoding.ASCII.GetBytes(executionHash),
        };
        ulong pool = 1_000_000_000;
        var outcome = processor.Execute(message, _p, _r, answer, ref pool);
        Assert.True(outcome.PublicSuccess);
        return outcome.Private!.Value;
    }
}
