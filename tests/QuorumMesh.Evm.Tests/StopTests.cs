using System.Numerics;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using static QuorumMesh.Evm.Opcode;

namespace QuorumMesh.Evm.Tests;

/// <summary>Whatever the code does, and in either tier, a run ends soon after it was told to.</summary>
public class StopTests
{
    private const ulong Endless = long.MaxValue / 2;
    private static readonly Address _caller = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly Address _contract = Address.Parse("0x2000000000000000000000000000000000000001");

    public static TheoryData<string> Loops => [.. _loops.Keys];

    private static readonly Dictionary<string, byte[]> _loops = new()
    {
        ["one block"] = new Asm().Op(JUMPDEST).Push(0).Op(JUMP),
        ["with a condition"] = new Asm().Op(JUMPDEST).Push(1).Push(0).Op(JUMPI, STOP),
        ["forwards and back"] = new Asm().Op(JUMPDEST).Push(5).Op(JUMP, INVALID, JUMPDEST).Push(0).Op(JUMP),
        ["to a place that is computed"] = new Asm().Op(JUMPDEST).Push(0).Op(CALLDATALOAD, JUMP),
        ["through several chunks"] = new Asm().Op([JUMPDEST, .. Enumerable.Repeat(JUMPDEST, 60)]).Push(0).Op(JUMP),
    };

    [Theory]
    [MemberData(nameof(Loops))]
    public void A_loop_without_calls_is_stopped_in_both_tiers(string loop)
    {
        foreach (EvmTier tier in new[] { EvmTier.Interpreter, EvmTier.Compiled })
        {
            int asked = 0;
            Assert.Throws<ExecutionStoppedException>(() => Run(_loops[loop], tier, () => ++asked > 5));
            Assert.Equal(6, asked);
        }
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void A_run_that_is_asked_and_goes_on_comes_out_as_one_that_is_not(string loop)
    {
        foreach (EvmTier tier in new[] { EvmTier.Interpreter, EvmTier.Compiled })
        {
            EvmResult asked = Run(_loops[loop], tier, () => false, gas: 1_000_003);
            EvmResult alone = Run(_loops[loop], tier, stop: null, gas: 1_000_003);
            Assert.Equal((alone.Status, alone.GasLeft), (asked.Status, asked.GasLeft));
            Assert.Equal(EvmStatus.OutOfGas, asked.Status);
        }
    }

    [Fact]
    public void A_straight_run_of_long_hashes_is_stopped()
    {
        byte[] code = new Asm().Push(1 << 20).Push(0).Op(KECCAK256, POP).Push(1 << 20).Push(0).Op(KECCAK256, POP);
        int asked = 0;
        // Once when the call begins, then at the second hash.
        Assert.Throws<ExecutionStoppedException>(() => Run(code, EvmTier.Interpreter, () => ++asked > 2));
    }

    [Fact]
    public void Precompiles_that_one_call_keeps_busy_are_stopped()
    {
        byte[] rounds = [0xff, 0xff, 0xff, 0xff, .. new byte[209]];
        byte[] pairs = new byte[192 * 4];
        byte[] blsPairs = new byte[384 * 4];
        byte[] points = new byte[160 * 8];
        byte[] points2 = new byte[288 * 8];
        foreach ((Precompile precompile, byte[] input) in new (Precompile, byte[])[]
        {
            (new Blake2FPrecompile(), rounds), (new Bn254PairingPrecompile(0, 0), pairs), (new BlsPairingPrecompile(), blsPairs),
            (new BlsG1MultiScalarPrecompile(), points), (new BlsG2MultiScalarPrecompile(), points2),
            (new ModExpPrecompile(ModExpRules.Byzantium), ModExp(8, 60_000, 8)),
            (new ModExpPrecompile(ModExpRules.Byzantium), ModExp(1_100, 1_100, 1_100)),
            (new ModExpPrecompile(ModExpRules.Byzantium), ModExp(17_000, 40, 17_000)),
        })
        {
            int asked = 0;
            Assert.Throws<ExecutionStoppedException>(() => precompile.Run(input, () => ++asked > 2));
            Assert.Equal(3, asked);
        }
    }

    [Theory]
    [InlineData(1_100, 0)]
    [InlineData(1_100, 1)]
    [InlineData(1_100, 5)]
    [InlineData(1_100, 64)]
    [InlineData(17_000, 3)]
    [InlineData(900, 64)]
    public void A_power_that_is_asked_in_between_is_the_same(int size, int exponent)
    {
        byte[] input = ModExp(size, exponent, size);
        var precompile = new ModExpPrecompile(ModExpRules.Byzantium);
        byte[] expected = BigInteger.ModPow(
            new BigInteger(input.AsSpan(96, size), isUnsigned: true, isBigEndian: true),
            new BigInteger(input.AsSpan(96 + size, exponent), isUnsigned: true, isBigEndian: true),
            new BigInteger(input.AsSpan(96 + size + exponent, size), isUnsigned: true, isBigEndian: true))
            .ToByteArray(isUnsigned: true, isBigEndian: true);
        Assert.Equal(expected, precompile.Run(input, () => false)!.AsSpan().TrimStart((byte)0).ToArray());
        Assert.Equal(precompile.Run(input), precompile.Run(input, () => false));
    }

    [Fact]
    public void Rounds_of_BLAKE2b_in_parts_come_to_the_same()
    {
        byte[] input = [0, 0x20, 0, 7, .. Enumerable.Range(0, 208).Select(i => (byte)(i * 7)), 1];
        ulong[] v = new ulong[16], m = new ulong[16];
        for (int i = 0; i < 16; i++) (v[i], m[i]) = ((ulong)i * 0x9e3779b97f4a7c15, (ulong)i << 40 | 5);
        ulong[] whole = [.. v];
        Blake2B.Mix(whole, m, 2_000_007);
        Blake2B.Mix(v, m, 1_000_000);
        Blake2B.Mix(v, m, 1_000_000);
        Blake2B.Mix(v, m, 7);
        Assert.Equal(whole, v);
        Assert.Equal(new Blake2FPrecompile().Run(input), new Blake2FPrecompile().Run(input, () => false));
    }

    /// <summary>Odd modulus, digits that repeat nowhere.</summary>
    private static byte[] ModExp(int baseLength, int exponentLength, int modulusLength)
    {
        var random = new Random(baseLength + exponentLength);
        byte[] operands = new byte[baseLength + exponentLength + modulusLength];
        random.NextBytes(operands);
        operands[^1] |= 1;
        if (modulusLength > 0) operands[baseLength + exponentLength] |= 0x80;
        return [.. Length(baseLength), .. Length(exponentLength), .. Length(modulusLength), .. operands];
    }

    private static byte[] Length(int value) => new UInt256((ulong)value).ToBigEndian();

    private static EvmResult Run(byte[] code, EvmTier tier, Func<bool>? stop, ulong gas = Endless)
    {
        var state = new WorldState(EmptyState.Instance);
        state.SetCode(_contract, code);
        state.BeginTransaction();
        var options = new EvmOptions { Tier = tier, Stop = stop, Limits = new CompilerLimits { ChunkBlocks = 16 } };
        var machine = new EvmMachine(new BlockContext(), Fork.Istanbul, options);
        return machine.Call(_caller, UInt256.Zero, _caller, _contract, [], gas, UInt256.Zero, state, state);
    }
}
