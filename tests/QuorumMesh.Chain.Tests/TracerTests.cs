using QuorumMesh.Chain.Tracing;
using QuorumMesh.Evm;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Evm.Tests;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using static QuorumMesh.Evm.Opcode;

namespace QuorumMesh.Chain.Tests;

/// <summary>What the tracers show of single situations.</summary>
public sealed class TracerTests
{
    private const ulong Gas = 100_000;
    private const ulong WrappedLeft = ulong.MaxValue - 599;
    private static readonly Address Caller = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly Address Contract = Address.Parse("0x2000000000000000000000000000000000000001");
    private static readonly Address Inner = Address.Parse("0x2000000000000000000000000000000000000002");

    public static TheoryData<byte[], string, ulong> Failures() => new()
    {
        { new Asm().Push(1).Op(ADD), "stack underflow (1 <=> 2)", 3 },
        { new Asm().Push(1).Op(INVALID), "invalid opcode 0xfe", 3 },
        { [0x60, 1, 0x0c], "invalid opcode 0xc", 3 },
        { new Asm().Push(1).Push(1).StoreTop(0).Store(1, 1).Store(2, 1).Store(3, 1).Store(4, 1).Store(5, 1), "out of gas", 20000 },
        { new Asm().Push(1).Push([0xff, 0xff, 0xff, 0xff, 0xff]).Op(MSTORE), "out of gas", 0 },
        { new Asm().Push(1).Push(0xffffff).Op(MSTORE), "out of gas", 538445830 },
        { new Asm().Push(1).Push(Enumerable.Repeat((byte)0xff, 32).ToArray()).Op(MSTORE), "gas uint64 overflow", 3 },
        // The gas that an unpaid call asks for is shown too; where it asks for all there is, geth's figure has wrapped.
        { Unpaid(64), "out of gas", 700 + 64 },
        { Unpaid(ulong.MaxValue), "out of gas", WrappedLeft - WrappedLeft / 64 + 700 },
    };

    /// <summary>A call with this gas by one who has 100 left.</summary>
    private static byte[] Unpaid(ulong wanted) =>
    [
        .. (byte[])new Asm().Store(10, 1).Store(11, 1).Store(12, 1).Store(13, 1),
        .. Enumerable.Repeat((byte)JUMPDEST, 19_855),
        .. (byte[])new Asm().Push(0).Push(0).Push(0).Push(0).Push(0).Push(Inner).Push(wanted).Op(CALL),
    ];

    [Theory]
    [MemberData(nameof(Failures))]
    public void A_step_that_cannot_run_has_its_price_and_error(byte[] code, string error, ulong cost)
    {
        var (steps, calls, _) = Run(code);
        Assert.Equal((error, cost), (steps.Logs[^1].Error, steps.Logs[^1].Cost));
        Assert.All(steps.Logs.SkipLast(1), s => Assert.Null(s.Error));
        Assert.Equal((error, Gas), (calls.Top!.Error, calls.Top.GasUsed!.Value));
        Assert.Null(calls.Top.Output);
    }

    [Fact]
    public void A_stack_that_overflows_is_told_with_its_height()
    {
        var code = new Asm().Op(JUMPDEST).Push(1).Push(0).Op(JUMP);
        var (steps, _, _) = Run(code);
        Assert.Equal("stack limit reached 1024 (1024)", steps.Logs[^1].Error);
        Assert.Equal("stack limit reached 1024 (1023)", Run(code, CompatibilityProfile.V2_6).Steps.Logs[^1].Error);
        Assert.Equal("stack limit reached 1024 (1023)", Run(code, CompatibilityProfile.V24).Steps.Logs[^1].Error);
    }

    /// <summary>geth shows no error on a step that fails while it runs; the call has it.</summary>
    [Fact]
    public void A_bad_jump_is_an_error_of_the_call()
    {
        var (steps, calls, _) = Run(new Asm().Push(1).Op(JUMP));
        Assert.Null(steps.Logs[^1].Error);
        Assert.Equal("invalid jump destination (ADD) 1", calls.Top!.Error);
        Assert.Equal("invalid jump destination (STOP) 999", Run(new Asm().Push(999).Op(JUMP)).Calls.Top!.Error);
        Assert.Equal("invalid jump destination (Missing opcode 0xfe) 3", Run(new Asm().Push(3).Op(JUMP, INVALID)).Calls.Top!.Error);
        Assert.Equal("evm: invalid jump destination", Run(new Asm().Push(1).Op(JUMP), CompatibilityProfile.V2_6).Calls.Top!.Error);
        Assert.Equal("invalid jump destination", Run(new Asm().Push(1).Op(JUMP), CompatibilityProfile.V24).Calls.Top!.Error);
        Assert.Equal("evm: return data out of bounds", Run(new Asm().Push(1).Push(0).Push(0).Op(RETURNDATACOPY)).Calls.Top!.Error);
    }

    public static TheoryData<string, byte, Fork, string> Names() => new()
    {
        { "2.5", 0x20, Fork.Constantinople, "SHA3" },
        { "2.5", 0xfe, Fork.Constantinople, "Missing opcode 0xfe" },
        { "2.5", 0x0c, Fork.Constantinople, "Missing opcode 0xc" },
        { "2.5", 0x46, Fork.Constantinople, "Missing opcode 0x46" },
        { "2.6", 0x46, Fork.Constantinople, "CHAINID" },
        { "2.6", 0x5f, Fork.Istanbul, "Missing opcode 0x5f" },
        { "21", 0x0c, Fork.Istanbul, "opcode 0xc not defined" },
        { "21", 0x5c, Fork.Istanbul, "BEGINSUB" },
        { "24", 0xfe, Fork.Berlin, "opcode 0xfe not defined" },
        { "24", 0x5c, Fork.Berlin, "opcode 0x5c not defined" },
        { "24", 0xb0, Fork.Berlin, "PUSH" },
        { "24", 0x5f, Fork.Berlin, "opcode 0x5f not defined" },
        { "24", 0x5f, Fork.Shanghai, "PUSH0" },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Instructions_have_the_names_of_their_GoQuorum(string profile, byte opcode, Fork fork, string name) =>
        Assert.Equal(name, new TraceErrors(CompatibilityProfile.Parse(profile).Trace, fork).OpcodeName(opcode));

    [Fact]
    public void Only_late_traces_tell_what_a_selfdestruct_gives_and_to_whom()
    {
        byte[] code = new Asm().Push(Inner).Op(SELFDESTRUCT);
        var bare = Assert.Single(Run(code, CompatibilityProfile.V21).Calls.Top!.Calls);
        Assert.Equal((SELFDESTRUCT, null, null, null), (bare.Type, bare.From, bare.To, bare.Value));
        var told = Assert.Single(Run(code, CompatibilityProfile.V24).Calls.Top!.Calls);
        Assert.Equal((SELFDESTRUCT, Contract, Inner, 500u), (told.Type, told.From, told.To, told.Value));
        Assert.Equal((null, null, null), (told.Gas, told.Input, told.Output));
    }

    [Fact]
    public void Memory_is_shown_with_what_the_step_adds()
    {
        var (steps, _, _) = Run(new Asm().Push(7).Push(32).Op(MSTORE, STOP));
        Assert.Equal([0, 0, 64, 64], steps.Logs.Select(s => s.Memory!.Length));
        Assert.Equal([0, 7], new[] { steps.Logs[2].Memory![63], steps.Logs[3].Memory![63] });
        Assert.Equal(9ul, steps.Logs[2].Cost);
    }

    [Fact]
    public void Storage_is_what_the_contract_wrote_and_later_also_read()
    {
        byte[] code = new Asm().Push(5).Op(SLOAD).Store(1, 9).Op(STOP);
        Assert.Equal([(1u, 9u)], Run(code).Steps.Logs[^1].Storage!.Select(s => (s.Key, s.Value)));
        Assert.Equal([(1u, 9u), (5u, 0u)], Run(code, CompatibilityProfile.V24).Steps.Logs[^1].Storage!.Select(s => (s.Key, s.Value)));
    }

    [Fact]
    public void Inner_calls_have_the_gas_that_they_got_and_what_the_caller_took()
    {
        var (steps, calls, _) = Run(new Asm().Call(CALL, Inner).Op(STOP), inner: new Asm().Push(42).ReturnTop());
        var inner = Assert.Single(calls.Top!.Calls);
        Assert.Equal((CALL, Contract, Inner, UInt256.Zero), (inner.Type, inner.From, inner.To, inner.Value));
        Assert.Equal(42, inner.Output![^1]);
        var call = steps.Logs.Single(s => s.Opcode == (byte)CALL);
        Assert.Equal(call.Cost - 700 - 3, inner.Gas);
        Assert.Equal(steps.Logs[^1].Gas, call.Gas - call.Cost + inner.Gas!.Value - inner.GasUsed!.Value);
        Assert.Equal(2, steps.Logs.Max(s => s.Depth));

        inner = Assert.Single(Run(new Asm().Call(DELEGATECALL, Inner).Op(STOP), inner: new Asm().Push(0).Push(0).Op(REVERT))
            .Calls.Top!.Calls);
        Assert.Equal(("execution reverted", null, null), (inner.Error, inner.Output, inner.Value));
        Assert.Equal((Contract, Inner), (inner.From, inner.To));
    }

    [Fact]
    public void Calls_without_code_have_no_gas_and_precompiles_are_left_out()
    {
        var plain = Assert.Single(Run(new Asm().Call(CALL, Caller).Call(CALL, PrecompileTable.AddressOf(4)).Op(STOP)).Calls.Top!.Calls);
        Assert.Equal((Caller, null, null, null, null), (plain.To, plain.Gas, plain.GasUsed, plain.Output, plain.Error));
        var refused = Assert.Single(Run(new Asm().Call(CALL, Inner, value: 501).Op(STOP)).Calls.Top!.Calls);
        Assert.Equal(("insufficient balance for transfer", null), (refused.Error, refused.Gas));
        var top = Run([]).Calls.Top!;
        Assert.Equal((0ul, 0), (top.GasUsed, top.Output!.Length));
    }

    [Fact]
    public void Failed_creations_have_no_address()
    {
        byte[] good = new Asm().Push(0).Push(0).Op(RETURN);
        byte[] Creating(byte[] init, Opcode kind) => kind == CREATE
            ? new Asm().Push([.. init, .. new byte[32 - init.Length]]).Push(0).Op(MSTORE).Push((ulong)init.Length).Push(0).Push(0)
            .Op(CREATE, STOP)
            : new Asm().Push([.. init, .. new byte[32 - init.Length]]).Push(0).Op(MSTORE).Push(9).Push((ulong)init.Length).Push(0).Push(0)
            .Op(CREATE2, STOP);
        var created = Assert.Single(Run(Creating(good, CREATE2)).Calls.Top!.Calls);
        Assert.Equal((CREATE2, Address.ForCreate2(Contract, new UInt256(9).ToBigEndian(), Keccak.Hash(good))), (created.Type, created.To));
        Assert.Equal(good, created.Input);
        var failed = Assert.Single(Run(Creating(new Asm().Push(0).Push(0).Op(REVERT), CREATE)).Calls.Top!.Calls);
        Assert.Equal(("execution reverted", null, null), (failed.Error, failed.To, failed.Output));
        var tooDear = Assert.Single(Run(Creating(new Asm().Push(400).Push(0).Op(RETURN), CREATE)).Calls.Top!.Calls);
        Assert.Equal("internal failure", tooDear.Error);
    }

    [Fact]
    public void Logs_of_what_is_undone_are_dropped()
    {
        byte[] logs = new Asm().Push(7).Push(0).Push(0).Op(LOG1);
        var kept = Run([.. logs, .. (byte[])new Asm().Call(CALL, Inner).Op(STOP)], inner: [.. logs, .. (byte[])new Asm().Op(STOP)])
            .Calls.Top!;
        Assert.Equal((1, 1), (kept.Logs.Count, kept.Calls[0].Logs.Count));
        Assert.Equal(new UInt256(7), kept.Logs[0].Topics[0].ToWord());
        var half = Run([.. logs, .. (byte[])new Asm().Call(CALL, Inner).Op(STOP)], inner: [.. logs, .. (byte[])new Asm().Op(INVALID)])
            .Calls.Top!;
        Assert.Equal((1, 0), (half.Logs.Count, half.Calls[0].Logs.Count));
        var none = Run([.. logs, .. (byte[])new Asm().Call(CALL, Inner).Op(INVALID)], inner: [.. logs, .. (byte[])new Asm().Op(STOP)])
            .Calls.Top!;
        Assert.Equal((0, 0), (none.Logs.Count, none.Calls[0].Logs.Count));
    }

    [Fact]
    public void Prestate_has_old_values_of_what_is_touched()
    {
        var (_, _, before) = Run(new Asm().Store(3, 8).Push(3).Op(SLOAD, POP).Push(Inner).Op(BALANCE, POP).Push(Caller).Op(SELFDESTRUCT));
        var accounts = before.Before().ToDictionary(a => a.Address, a => a.Account);
        Assert.Equal(3, accounts.Count);
        Assert.Equal([(3u, 77u)], accounts[Contract].Storage.Select(s => (s.Key, s.Value)));
        Assert.Equal((UInt256)1000u, accounts[Caller].Balance);
        Assert.Empty(accounts[Inner].Code!);
    }

    [Fact]
    public void Authorities_belong_to_the_prestate()
    {
        var (_, _, before) = Run([]);
        before.Include([Inner]);
        Assert.Equal([Contract, Caller, Inner], before.Before().Select(a => a.Address));
    }

    [Fact]
    public void A_trace_that_is_too_large_ends()
    {
        var budget = new TraceBudget(5_000);
        var tracer = new StructTracer(new StructLogOptions(), new TraceErrors(TraceRules.V2_5, Fork.Constantinople), budget);
        var state = State(new Asm().Op(JUMPDEST).Push(0).Op(JUMP), []);
        Assert.Contains("disableMemory",
            Assert.Throws<TraceTooLargeException>(() => Machine()
            .Call(Caller, default, Caller, Contract, [], Gas, default, state, state, tracer)).Message, StringComparison.Ordinal);
        Assert.True(tracer.Logs.Count is > 10 and < 100);
    }

    /// <summary>A call may name all of its caller's memory for what it returns, which is nothing here.</summary>
    [Fact]
    public void Memory_named_by_calls_counts_against_the_bound()
    {
        byte[] start = new Asm().Push(1).Push(0x1fe0).Op(MSTORE);
        byte[] calls = new Asm().Op(JUMPDEST, MSIZE).Push(0).Push(0).Push(0).Push(0).Push(Inner).Op(GAS, CALL, POP)
            .Push((ulong)start.Length).Op(JUMP);
        var state = State([.. start, .. calls], [(byte)STOP]);
        var tracer = new CallTracer(new CallTracerOptions(), new TraceErrors(TraceRules.V2_5, Fork.Constantinople),
            Fork.Constantinople, new TraceBudget(100_000));
        Assert.Throws<TraceTooLargeException>(() => Machine()
            .Call(Caller, default, Caller, Contract, [], Gas, default, state, state, tracer));
        Assert.InRange(tracer.Top!.Calls.Sum(c => c.Output?.Length ?? 0), 1, 50_000);
    }

    private static (StructTracer Steps, CallTracer Calls, PrestateTracer Before) Run(byte[] code, CompatibilityProfile? profile = null,
        byte[]? inner = null)
    {
        var errors = new TraceErrors((profile ?? CompatibilityProfile.V2_5).Trace, Fork.Constantinople);
        TraceBudget Budget() => new(1 << 30);
        var state = State(code, inner ?? []);
        var steps = new StructTracer(new StructLogOptions { ShowsReads = profile == CompatibilityProfile.V24 }, errors, Budget());
        var calls = new CallTracer(new CallTracerOptions { WithLog = true, ShowsSelfDestruct = profile == CompatibilityProfile.V24 },
            errors, Fork.Constantinople, Budget());
        var before = new StateOverlay(EmptyState.Instance);
        before.Apply(state.TakeChanges());
        var prestate = new PrestateTracer(before, null, keepsZeros: false, Budget());
        Machine().Call(Caller, default, Caller, Contract, [], Gas, default, state, state,
            new TracingTests.ManyTracers(new PriceChecker(), steps, calls, prestate));
        return (steps, calls, prestate);
    }

    private static EvmMachine Machine() => new(new BlockContext { GasLimit = Gas, Number = 1 }, Fork.Constantinople, EvmOptions.Default);

    private static WorldState State(byte[] code, byte[] inner)
    {
        var state = new WorldState(EmptyState.Instance);
        state.SetBalance(Caller, 1000u);
        state.SetCode(Contract, code);
        state.SetBalance(Contract, 500u);
        if (inner.Length > 0) state.SetCode(Inner, inner);
        state.SetStorage(Contract, 3u, 77u);
        state.BeginTransaction();
        return state;
    }
}
