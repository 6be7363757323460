using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using static QuorumMesh.Evm.Opcode;

namespace QuorumMesh.Evm.Tests;

public class MachineTests
{
    private static readonly Address _caller = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly Address _contract = Address.Parse("0x2000000000000000000000000000000000000001");

    [Fact]
    public void Every_opcode_is_defined_from_its_fork_on()
    {
        Assert.Equal(OpcodeTable.Rows.Count, Enum.GetValues<Opcode>().Length);
        foreach (OpcodeInfo row in OpcodeTable.Rows)
        {
            if (row.Opcode == INVALID) continue;
            foreach (Fork fork in Enum.GetValues<Fork>())
                Assert.Equal(fork >= row.Introduced, OpcodeTable.IsDefined((byte)row.Opcode, fork));
        }
    }

    [Fact]
    public void Undefined_bytes_and_stack_faults_are_told_apart()
    {
        Assert.Equal(EvmStatus.InvalidOpcode, Run([0x0c]).Status);
        Assert.Equal(EvmStatus.InvalidOpcode, Run([(byte)INVALID]).Status);
        Assert.Equal(EvmStatus.InvalidOpcode, Run([(byte)PUSH0], fork: Fork.Paris).Status);
        Assert.Equal(EvmStatus.StackUnderflow, Run(new Asm().Push(1).Op(ADD)).Status);
        Assert.Equal(EvmStatus.StackOverflow, Run([.. Enumerable.Repeat((byte)PC, 1025)]).Status);
        Assert.Equal(EvmStatus.Success, Run([.. Enumerable.Repeat((byte)PC, 1024)]).Status);
        Assert.Equal(EvmStatus.InvalidJump, Run(new Asm().Push(1).Op(JUMP)).Status);
        Assert.Equal(EvmStatus.OutOfGas, Run(new Asm().Push(1), gas: 2).Status);
    }

    [Fact]
    public void Clz_counts_leading_zeros_for_five_gas_from_osaka_on()
    {
        for (int bits = 0; bits <= 256; bits++)
        {
            UInt256 value = bits == 0 ? UInt256.Zero : UInt256.One << bits - 1;
            foreach (UInt256 word in new[] { value, bits == 0 ? value : value | value - UInt256.One })
            {
                EvmResult result = Run(new Asm().Push(word.ToBigEndian()).Op(CLZ).ReturnTop(), fork: Fork.Osaka);
                Assert.Equal((UInt256)(256 - bits), UInt256.FromBigEndian(result.Output));
            }
        }

        byte[] bare = new Asm().Push(1).Op(CLZ);
        Assert.Equal(3UL + 5, 100 - Run(bare, fork: Fork.Osaka, gas: 100).GasLeft);
        Assert.Equal(EvmStatus.OutOfGas, Run(bare, fork: Fork.Osaka, gas: 7).Status);
        Assert.Equal(EvmStatus.InvalidOpcode, Run(bare, fork: Fork.Prague).Status);
        Assert.Equal(EvmStatus.StackUnderflow, Run([(byte)CLZ], fork: Fork.Osaka).Status);
    }

    [Theory]
    [InlineData(MLOAD)]
    [InlineData(MSTORE)]
    [InlineData(MSTORE8)]
    [InlineData(KECCAK256)]
    [InlineData(RETURN)]
    [InlineData(REVERT)]
    [InlineData(LOG0)]
    public void Memory_beyond_any_gas_is_out_of_gas(Opcode op)
    {
        foreach (byte[] offset in new[] { UInt256.MaxValue.ToBigEndian(), new UInt256(ulong.MaxValue).ToBigEndian(),
            new UInt256(1UL << 31).ToBigEndian() })
            Assert.Equal(EvmStatus.OutOfGas, Run(new Asm().Push(32).Push(offset).Op(op), gas: long.MaxValue).Status);
    }

    [Fact]
    public void Calls_nest_1024_deep_and_no_deeper_without_using_the_machine_stack()
    {
        // Each frame adds one to slot 0 and calls itself with all its gas.
        byte[] code = new Asm().Push(0).Op(SLOAD).Push(1).Op(ADD).StoreTop(0)
            .Push(0).Push(0).Push(0).Push(0).Push(0).Op(ADDRESS, GAS, CALL);
        var state = State(code);
        EvmResult result = Machine(Fork.Frontier).Call(_caller, default, _caller, _contract, [], ulong.MaxValue, default, state, state);
        Assert.Equal(EvmStatus.OutOfGas, result.Status);
        byte[] all = new Asm().Push(0).Op(SLOAD).Push(1).Op(ADD).StoreTop(0)
            .Push(0).Push(0).Push(0).Push(0).Push(0).Op(ADDRESS).Push(30000).Op(GAS, SUB, CALL);
        state = State(all);
        result = Machine(Fork.Homestead).Call(_caller, default, _caller, _contract, [], 1_000_000_000, default, state, state);
        Assert.Equal(EvmStatus.Success, result.Status);
        Assert.Equal((UInt256)1025, state.GetStorage(_contract, 0));
    }

    [Fact]
    public void A_tracer_changes_nothing_and_sees_every_frame()
    {
        Address inner = Address.Parse("0x3000000000000000000000000000000000000001");
        byte[] code = new Asm().Call(CALL, inner).Push(0).Op(MLOAD).ReturnTop();
        byte[] innerCode = new Asm().Push(42).ReturnTop();
        var plain = State(code);
        plain.SetCode(inner, innerCode);
        EvmResult expected = Machine().Call(_caller, default, _caller, _contract, [], 1_000_000, default, plain, plain);
        var traced = State(code);
        traced.SetCode(inner, innerCode);
        var tracer = new Recorder();
        EvmResult actual = Machine().Call(_caller, default, _caller, _contract, [], 1_000_000, default, traced, traced, tracer);
        Assert.Equal(expected.GasLeft, actual.GasLeft);
        Assert.Equal((UInt256)42, UInt256.FromBigEndian(actual.Output));
        Assert.Equal(["enter 0", "enter 1", "exit 1 Success", "exit 0 Success"], tracer.Frames);
        Assert.Equal(21, tracer.Steps);
    }

    [Theory]
    [InlineData(Fork.Byzantium, 2, EvmStatus.Success)]
    [InlineData(Fork.Cancun, 10, EvmStatus.PrecompileFailure)]
    [InlineData(Fork.Shanghai, 10, EvmStatus.Success)]
    public void Precompiles_belong_to_their_fork(Fork fork, int number, EvmStatus expected)
    {
        var state = State([]);
        EvmResult result = Machine(fork)
            .Call(_caller, default, _caller, PrecompileTable.AddressOf(number), [1], 1_000_000, default, state, state);
        Assert.Equal(expected, result.Status);
        if (expected != EvmStatus.Success) Assert.Equal(0UL, result.GasLeft);
    }

    [Fact]
    public void The_disassembler_pads_a_cut_off_immediate() =>
        Assert.Equal(["00000: PUSH1 0x05", "00002: ADD", "00003: opcode 0x0c not defined", "00004: PUSH2 0x0100"],
            Disassembler.Lines([0x60, 5, 1, 0x0c, 0x61, 1]));

    private static EvmResult Run(byte[] code, Fork fork = Fork.Cancun, ulong gas = 10_000_000)
    {
        WorldState state = State(code);
        return Machine(fork).Call(_caller, default, _caller, _contract, [], gas, default, state, state);
    }

    private static EvmMachine Machine(Fork fork = Fork.Cancun) =>
        new(new BlockContext { GasLimit = 1_000_000_000, Number = 1 }, fork, EvmOptions.Default);

    private static WorldState State(byte[] code)
    {
        var state = new WorldState(EmptyState.Instance);
        state.SetCode(_contract, code);
        state.BeginTransaction();
        return state;
    }

    private sealed class Recorder : IEvmTracer
    {
        public List<string> Frames { get; } = [];

        public int Steps { get; private set; }

        public void Step(in EvmStep step) => Steps++;

        public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value) =>
            Frames.Add($"enter {depth}");

        public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output) => Frames.Add($"exit {depth} {status}");
    }
}
