using QuorumMesh.Evm.Compiler;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using static QuorumMesh.Evm.Opcode;

namespace QuorumMesh.Evm.Tests;

/// <summary>The compiled tier against the interpreter: status, gas, output, logs, refund and state are the same.</summary>
public class CompilerTests
{
    private static readonly Address _caller = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly Address _contract = Address.Parse("0x2000000000000000000000000000000000000001");
    private static readonly Address _other = Address.Parse("0x3000000000000000000000000000000000000001");

    private static readonly UInt256[] _edges =
    [
        UInt256.Zero, UInt256.One, 2, 31, 32, 63, 64, 65, 128, 255, 256, ulong.MaxValue, new(0, 1), new(ulong.MaxValue, ulong.MaxValue),
        new(0, 0, 1), new(0, 0, 0, 1),
        UInt256.MaxValue, UInt256.MaxValue - UInt256.One, new(0, 0, 0, 1UL << 63), new(1, 2, 3, 0x8000000000000004),
        new(0xfedcba9876543210, 0x0123456789abcdef, 0xdeadbeef, 7),
    ];

    private readonly CodeCache _codes = new();

    public static TheoryData<Opcode> Operators =>
        new(OpcodeTable.Rows.Where(r => r.Pops is >= 1 and <= 3 && r.Pushes == 1 && r.Opcode is < KECCAK256 or CLZ).Select(r => r.Opcode));

    /// <summary>Each operand once from the input, unknown while compiling, and once as a constant.</summary>
    [Theory]
    [MemberData(nameof(Operators))]
    public void Operators_agree_on_edge_values(Opcode op)
    {
        int pops = OpcodeTable.Find((byte)op)!.Pops;
        foreach (UInt256 a in _edges)
        {
            foreach (UInt256 b in _edges)
            {
                for (int constants = 0; constants < 1 << Math.Min(pops, 2); constants++)
                {
                    var code = new Asm();
                    if (pops == 3) code.Push(64).Op(CALLDATALOAD);
                    if (pops >= 2) Operand(code, b, 32, (constants & 2) != 0);
                    Operand(code, a, 0, (constants & 1) != 0);
                    byte[] input = [.. a.ToBigEndian(), .. b.ToBigEndian(), .. _edges[15].ToBigEndian()];
                    AssertSame(code.Op(op).ReturnTop(), input, fork: Fork.Osaka);
                }

                if (pops == 1) break;
            }
        }
    }

    /// <summary>Every gas limit up to what it takes: the frame fails in the same way whichever instruction it stops at.</summary>
    [Theory]
    [InlineData(Fork.Constantinople)]
    [InlineData(Fork.Istanbul)]
    [InlineData(Fork.Cancun)]
    public void Gas_runs_out_alike_at_every_point(Fork fork)
    {
        byte[] code = new Asm().Push(7).Push(3).Op(ADD, DUP1).Push(64).Op(MSTORE).Push(2).Op(EXP).Push(32).Push(64)
            .Op(KECCAK256, XOR, GAS, POP)
            .StoreTop(1).Push(0).Op(SLOAD).Push(5).Push(4096).Op(MSTORE8).Push(1).Op(BALANCE, ADD).Push(32).Push(0).Op(LOG1).Push(31)
            .Push(0).Op(RETURNDATASIZE, CODECOPY)
            .Push(200).Op(JUMP);
        for (ulong gas = 0; gas < 60_000; gas += gas < 3_000 ? 1UL : 37) AssertSame(code, gas: gas, fork: fork);
    }

    [Fact]
    public void Jumps_agree()
    {
        AssertSame(new Asm().Push(4).Op(JUMP, INVALID, JUMPDEST).Push(9).ReturnTop());
        AssertSame(new Asm().Push(3).Op(JUMP, JUMPDEST, STOP));
        AssertSame(new Asm().Push(4).Op(JUMP).Push((ulong)JUMPDEST).Op(STOP)); // into push data
        AssertSame(new Asm().Push(UInt256.MaxValue.ToBigEndian()).Op(JUMP));
        AssertSame(new Asm().Push(new UInt256(0, 1).ToBigEndian()).Op(JUMP));
        AssertSame(new Asm().Push(0).Push(3000).Op(JUMPI).Push(1).ReturnTop()); // not taken, bad target
        AssertSame(new Asm().Push(1).Push(3000).Op(JUMPI).Push(1).ReturnTop());
        foreach (ulong target in new ulong[] { 0, 4, 5, 6, 13, 1000 })
        {
            byte[] input = new UInt256(target).ToBigEndian();
            AssertSame(new Asm().Push(0).Op(CALLDATALOAD, JUMP, INVALID, JUMPDEST, JUMPDEST).Push(5).ReturnTop(), input);
            AssertSame(new Asm().Push(1).Push(0).Op(CALLDATALOAD, JUMPI).Push(5).ReturnTop(), input);
        }
    }

    [Fact]
    public void A_loop_with_swaps_agrees()
    {
        // 100 rounds over six words, which change their places in each.
        var code = new Asm().Push(100).Push(1).Push(2).Push(3).Push(4).Push(5).Op(JUMPDEST);
        code.Op(DUP3, ADD, SWAP1, DUP5, MUL, SWAP3, SWAP4, SWAP1, DUP2, XOR, SWAP2, SWAP5).Push(1).Op(SWAP1, SUB, SWAP5, DUP6).Push(12)
            .Op(JUMPI, ADD, ADD, ADD, ADD);
        AssertSame(code.ReturnTop());
    }

    [Theory]
    [InlineData(CALL)]
    [InlineData(CALLCODE)]
    [InlineData(DELEGATECALL)]
    [InlineData(STATICCALL)]
    public void Frames_come_back_from_calls_with_their_stack(Opcode kind)
    {
        byte[] inner = new Asm().Push(0).Op(SLOAD).Push(1).Op(ADD).StoreTop(0).Push(77).ReturnTop();
        byte[] code = new Asm().Push(11).Push(12).Call(kind, _other).Push(0).Op(MLOAD, ADD, ADD).Call(kind, _other, 5).Op(ADD, ADD)
            .Call(kind, Address.FromWord(4u)).Op(ADD, RETURNDATASIZE, ADD).ReturnTop();
        foreach (ulong gas in new ulong[] { 700, 30_000, 90_000, 1_000_000 })
            foreach (Fork fork in new[] { Fork.Byzantium, Fork.Istanbul, Fork.Cancun })
                AssertSame(code, gas: gas, fork: fork, other: inner);
    }

    [Fact]
    public void Creations_and_endings_agree()
    {
        AssertSame(new Asm().Push(0).Push(0).Push(0).Op(CREATE, DUP1, EXTCODESIZE, ADD).ReturnTop());
        AssertSame(new Asm().Push(9).Push(0).Push(0).Push(0).Op(CREATE2).ReturnTop());
        AssertSame(new Asm().Push(_other).Op(SELFDESTRUCT));
        AssertSame(new Asm().Push(4).Push(28).Op(REVERT));
        AssertSame(new Asm().Push(4).Push(UInt256.MaxValue.ToBigEndian()).Op(RETURN));
        AssertSame(new Asm().Push(1).Push(0).Push(0).Op(RETURNDATACOPY));
        AssertSame([0x61, 0x01]); // the push runs beyond the end
        AssertSame([(byte)JUMPDEST]);
        AssertSame([0x0c]);
    }

    [Fact]
    public void Static_frames_refuse_writes_alike()
    {
        foreach (byte[] inner in new byte[][]
        {
            new Asm().Store(0, 1), new Asm().Push(0).Push(0).Op(LOG0), new Asm().Push(1).Push(1).Op(TSTORE),
            new Asm().Push(0).Push(0).Push(0).Op(CREATE),
            new Asm().Push(_caller).Op(SELFDESTRUCT), new Asm().Call(CALL, _caller, 1), new Asm().Push(1).Push(0).Op(TLOAD).ReturnTop(),
        })
            AssertSame(new Asm().Call(STATICCALL, _other).Push(0).Op(MLOAD, ADD).ReturnTop(), other: inner);
    }

    [Fact]
    public void The_stack_is_bounded_alike()
    {
        AssertSame([(byte)ADD]);
        AssertSame([(byte)PC, (byte)SSTORE]);
        AssertSame([.. Enumerable.Repeat((byte)PC, 1024)]);
        AssertSame([.. Enumerable.Repeat((byte)PC, 1025)]);
        AssertSame([.. Enumerable.Repeat((byte)PC, 1020), (byte)DUP16, (byte)SWAP16, (byte)ADD, (byte)MUL]);
        AssertSame(new Asm().Op(JUMPDEST, PC, PC).Push(0).Op(JUMP), gas: 100_000); // grows by two a round
        AssertSame([.. Enumerable.Repeat((byte)PC, 15), (byte)DUP16]);
        AssertSame([.. Enumerable.Repeat((byte)PC, 16), (byte)SWAP16]);
    }

    [Fact]
    public void Code_larger_than_a_chunk_agrees()
    {
        // Many small functions that jump to one another, forwards and back, through several chunks.
        const int functions = 900;
        const int size = 30;
        var code = new Asm();
        for (int i = 0; i < functions; i++)
        {
            int next = i * 7 % functions;
            byte[] function = new Asm().Op(JUMPDEST).Push(0).Op(MLOAD).Push((byte[])[(byte)(i >> 8), (byte)i]).Op(ADD, DUP1).Push(0)
                .Op(MSTORE).Push(1).Op(AND)
                .Push((byte[])[(byte)(next * size >> 8), (byte)(next * size)]).Op(JUMPI)
                .Push((byte[])[(byte)((i + 1) * size >> 8), (byte)((i + 1) * size)]).Op(JUMP);
            code.Op([.. function.Select(b => (Opcode)b)]).Op([.. Enumerable.Repeat(JUMPDEST, size - function.Length)]);
        }

        byte[] all = code.Op(JUMPDEST).Push(0).Op(MLOAD).ReturnTop();
        Assert.True(all.Length > 20_000);
        AssertSame(all, gas: 300_000);
        AssertSame(all, gas: 30_000_000);
    }

    [Fact]
    public void A_long_straight_run_uses_few_locals_and_agrees()
    {
        var code = new Asm().Push(0).Op(CALLDATALOAD);
        for (int i = 0; i < 1500; i++) code.Op(DUP1, ADDRESS, ADD, XOR).Push((ulong)i).Op(MUL);
        AssertSame(code.ReturnTop(), _edges[20].ToBigEndian());
    }

    [Fact]
    public void Code_over_the_limit_is_interpreted()
    {
        byte[] code = [.. Enumerable.Repeat((byte)JUMPDEST, 70_000)];
        AssertSame(code);
    }

    [Fact]
    public void Hot_code_is_handed_to_the_scheduler_once_and_runs_compiled_from_then_on()
    {
        byte[] code = new Asm().Push(50).Op(JUMPDEST).Push(1).Op(SWAP1, SUB, DUP1).Push(2).Op(JUMPI).Push(4242).ReturnTop();
        var hot = new List<HotCode>();
        _codes.Hot = seen =>
        {
            lock (hot)
                if (seen.Length == code.Length)
                    hot.Add(seen);
        };
        Outcome cold = Run(code, [], 100_000, Fork.Cancun, [], EvmTier.Auto);
        for (int i = 0; i < 3000; i++) Run(code, [], 100_000, Fork.Cancun, [], EvmTier.Auto);
        HotCode once = Assert.Single(hot);
        Assert.True(once.Compile());
        Assert.Equal(cold, Run(code, [], 100_000, Fork.Cancun, [], EvmTier.Auto));
    }

    [Fact]
    public void Code_becomes_hot_in_each_fork()
    {
        byte[] code = new Asm().Push(3).Push(5).Op(MUL, DUP1, ADD).Push(1).Op(SUB).Push(77).Op(XOR).ReturnTop();
        var hot = new List<HotCode>();
        _codes.Hot = seen =>
        {
            lock (hot)
                if (seen.Length == code.Length)
                    hot.Add(seen);
        };
        foreach (Fork fork in new[] { Fork.Berlin, Fork.London, Fork.Berlin })
            for (int i = 0; i < 3000; i++)
                Run(code, [], 100_000, fork, [], EvmTier.Auto);
        Assert.Equal(2, hot.Count);
    }

    [Fact]
    public void Declined_code_is_offered_again()
    {
        byte[] code = new Asm().Push(4).Push(5).Op(MUL, DUP1, ADD).Push(1).Op(SUB).Push(78).Op(XOR).Op(NOT, NOT).ReturnTop();
        int offers = 0;
        _codes.Hot = seen =>
        {
            if (seen.Length != code.Length) return;
            offers++;
            seen.Decline();
        };
        for (int i = 0; i < 3 * CompilerLimits.HotAt; i++) Run(code, [], 100_000, Fork.Cancun, [], EvmTier.Auto);
        Assert.InRange(offers, 2, 3);
    }

    [Fact]
    public void A_frame_in_a_long_loop_goes_on_compiled()
    {
        byte[] code = Loop(200_000);
        _codes.Hot = seen =>
        {
            if (seen.Length == code.Length) Assert.True(seen.Compile());
        };
        Outcome running = Run(code, [], 100_000_000, Fork.Cancun, [], EvmTier.Auto, null, out long takenOver);
        Assert.Equal(1, takenOver);
        Assert.Equal(Run(code, [], 100_000_000, Fork.Cancun, [], EvmTier.Interpreter), running);
        Run(code, [], 100_000_000, Fork.Cancun, [], EvmTier.Auto, null, out takenOver);
        Assert.Equal(0, takenOver); // compiled from its start
    }

    [Fact]
    public void Init_code_is_never_taken_over()
    {
        byte[] init = Loop(10);
        var state = new WorldState(EmptyState.Instance);
        state.BeginTransaction();
        var machine = new EvmMachine(new BlockContext(), Fork.Cancun, EvmOptions.Default with { TakeOverAfter = () => 1 });
        Assert.True(machine.Create(_caller, default, _caller, init, 1_000_000, default, state, state).IsSuccess);
        Assert.Equal(0, machine.FramesTakenOver);
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(420)]
    public void Wherever_a_loop_is_taken_over_the_outcome_is_the_same(ulong gas)
    {
        byte[] code = Loop(12);
        Outcome expected = Run(code, [], gas, Fork.Cancun, [], EvmTier.Interpreter);
        for (int jumps = 1; jumps <= 12; jumps++)
        {
            int after = jumps;
            Assert.Equal(expected, Run(code, [], gas, Fork.Cancun, [], EvmTier.Auto, () => after, out long takenOver));
            if (gas == 100_000) Assert.Equal(jumps < 12 ? 1 : 0, takenOver);
        }
    }

    /// <summary>A table of entries for all blocks at once would fill a chunk, and leave one block to each.</summary>
    [Fact]
    public void A_mass_of_small_blocks_is_compiled_in_few_chunks()
    {
        byte[] code = [.. Enumerable.Repeat((byte)JUMPDEST, 22_000), .. (byte[])new Asm().Push(7).ReturnTop()];
        AssertSame(code);
        AssertSame(code, gas: 21_000);
        Assert.InRange(new Code(code).Compile(Fork.Cancun, CompilerLimits.Default, new CodeCache())!.SizeInMemory, 1, 16 << 20);
    }

    [Fact]
    public void Code_that_comes_to_too_much_IL_stays_interpreted()
    {
        CompiledCode body = new Code(Loop(5)).Compile(Fork.Cancun, CompilerLimits.Default, new CodeCache())!;
        Assert.NotNull(body);
        Assert.Null(new Code(Loop(5)).Compile(Fork.Cancun, CompilerLimits.Default with { TotalIl = 100 }, new CodeCache()));
        Assert.NotNull(new Code(Loop(5))
            .Compile(Fork.Cancun, CompilerLimits.Default with { TotalIl = body.SizeInMemory }, new CodeCache()));
    }

    [Fact]
    public void A_compiled_body_goes_with_its_code()
    {
        WeakReference body = CompileAndForget();
        for (int i = 0; i < 10 && body.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(body.IsAlive);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static WeakReference CompileAndForget() => new(new Code(Loop(5)).Compile(Fork.Cancun, CompilerLimits.Default, new CodeCache()));
    }

    /// <summary>Five words on the stack, changed in each round.</summary>
    private static byte[] Loop(ulong rounds)
    {
        byte[] head = new Asm().Push(rounds).Push(1).Push(2).Push(3).Push(4);
        byte[] loop = new Asm().Op(JUMPDEST, DUP3, ADD, SWAP1, DUP5, MUL, SWAP3, SWAP2, XOR, DUP2, SWAP1).Push(1)
            .Op(DUP6, SUB, SWAP5, POP, DUP5).Push((ulong)head.Length)
            .Op(JUMPI, ADD, ADD, ADD).ReturnTop();
        return [.. head, .. loop];
    }

    private static void Operand(Asm code, in UInt256 value, ulong inputOffset, bool constant)
    {
        if (constant) code.Push(value.ToBigEndian());
        else code.Push(inputOffset).Op(CALLDATALOAD);
    }

    private void AssertSame(byte[] code, byte[]? input = null, ulong gas = 10_000_000, Fork fork = Fork.Cancun, byte[]? other = null)
    {
        Outcome expected = Run(code, input ?? [], gas, fork, other ?? [], EvmTier.Interpreter);
        Outcome actual = Run(code, input ?? [], gas, fork, other ?? [], EvmTier.Compiled);
        if (expected != actual)
            Assert.Fail($"{fork}, gas {gas}, code {Hex.ToHex(code)}, input {Hex.ToHex(input ?? [])}: {expected} interpreted, {actual} "
            + "compiled");
    }

    private Outcome Run(byte[] code, byte[] input, ulong gas, Fork fork, byte[] other, EvmTier tier) =>
        Run(code, input, gas, fork, other, tier, null, out _);

    private Outcome Run(byte[] code, byte[] input, ulong gas, Fork fork, byte[] other, EvmTier tier, Func<int>? takeOverAfter,
        out long takenOver)
    {
        var state = new WorldState(EmptyState.Instance);
        state.SetCode(_contract, code);
        state.SetCode(_other, other);
        state.SetBalance(_contract, 1000);
        state.SetStorage(_contract, 0, 42);
        state.BeginTransaction();
        var machine = new EvmMachine(new BlockContext { GasLimit = gas, Number = 300, Timestamp = 5, Difficulty = 3 }, fork,
            EvmOptions.Default with { Code = _codes, Tier = tier, TakeOverAfter = takeOverAfter });
        EvmResult result = machine.Call(_caller, default, _caller, _contract, input, gas, default, state, state);
        takenOver = machine.FramesTakenOver;
        ulong refund = state.Refund;
        int logs = state.Logs.Count;
        state.FinaliseTransaction(deleteEmpty: fork >= Fork.SpuriousDragon);
        return new Outcome(result.Status, result.GasLeft, Hex.ToHex(result.Output), refund, logs, StateRoot.Compute(state.TakeChanges()));
    }

    private sealed record Outcome(EvmStatus Status, ulong GasLeft, string Output, ulong Refund, int Logs, Hash256 Root);
}
