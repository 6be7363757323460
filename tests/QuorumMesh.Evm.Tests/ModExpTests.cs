using System.Numerics;
using System.Text.Json;
using CsCheck;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Evm.Tests;

/// <summary>MODEXP as EIP-198, EIP-2565, EIP-7823 and EIP-7883 have it.</summary>
public class ModExpTests
{
    private const ulong Plenty = 10_000_000_000;
    private static readonly Address _caller = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly Address _modExp = PrecompileTable.AddressOf(5);

    [Theory]
    [InlineData(Fork.Byzantium, "byzantium")]
    [InlineData(Fork.Istanbul, "byzantium")]
    [InlineData(Fork.Berlin, "berlin")]
    [InlineData(Fork.Prague, "berlin")]
    [InlineData(Fork.Osaka, "osaka")]
    public void Vectors_cost_and_give_what_they_say(Fork fork, string rules)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", "modexp.json")));
        int cases = 0;
        foreach (JsonElement vector in document.RootElement.EnumerateArray())
        {
            JsonElement gas = vector.GetProperty("gas").GetProperty(rules);
            EvmResult result = Run(fork, Hex.FromHex(vector.GetProperty("input").GetString()!));
            string name = vector.GetProperty("name").GetString()!;
            Assert.Equal((name, EvmStatus.Success), (name, result.Status));
            Assert.Equal((name, vector.GetProperty("expected").GetString()), (name, Hex.ToHex(result.Output)[2..]));
            Assert.Equal((name, gas.GetUInt64()), (name, Plenty - result.GasLeft));
            cases++;
        }

        Assert.InRange(cases, 30, 60);
    }

    [Theory]
    [InlineData(1024, 1024, 1024, true)]
    [InlineData(1025, 0, 0, false)]
    [InlineData(0, 1025, 0, false)]
    [InlineData(0, 0, 1025, false)]
    [InlineData(1025, 0, 1, false)]
    public void Osaka_takes_operands_of_1024_bytes_and_no_more(int baseLength, int exponentLength, int modulusLength, bool accepted)
    {
        byte[] input = Header((UInt256)baseLength, (UInt256)exponentLength, (UInt256)modulusLength);
        EvmResult result = Run(Fork.Osaka, input);
        Assert.Equal(accepted ? EvmStatus.Success : EvmStatus.OutOfGas, result.Status);
        if (!accepted) Assert.Equal(0UL, result.GasLeft);
        Assert.Equal(EvmStatus.Success, Run(Fork.Prague, input).Status);
    }

    [Fact]
    public void Lengths_of_256_bits_cost_everything()
    {
        foreach (Fork fork in new[] { Fork.Byzantium, Fork.Berlin, Fork.Osaka })
        {
            EvmResult result = Run(fork, Header(UInt256.MaxValue, UInt256.MaxValue, UInt256.MaxValue));
            Assert.False(result.IsSuccess);
            Assert.Equal(0UL, result.GasLeft);
        }
    }

    [Theory]
    [InlineData(Fork.Berlin, 200)]
    [InlineData(Fork.Osaka, 500)]
    public void The_empty_input_costs_the_least(Fork fork, ulong gas)
    {
        EvmResult result = Run(fork, []);
        Assert.Equal(EvmStatus.Success, result.Status);
        Assert.Empty(result.Output);
        Assert.Equal(gas, Plenty - result.GasLeft);
    }

    [Theory]
    [InlineData(32, 500)]
    [InlineData(33, 31 * 2 * 25)]
    public void From_33_bytes_on_complexity_is_quadratic(int length, ulong gas)
    {
        // 32 bits of exponent make 31 iterations of complexity 16 (496, below the least price), or of 2 · 5².
        byte[] input = [.. Header((UInt256)length, (UInt256)4, (UInt256)length), .. new byte[length], 0xff, 0xff, 0xff, 0xff];
        Assert.Equal(gas, Plenty - Run(Fork.Osaka, input).GasLeft);
    }

    [Fact]
    public void Any_operands_give_what_plain_arithmetic_gives()
    {
        Gen<byte> byteOf = Gen.OneOf(Gen.Byte, Gen.Const((byte)0), Gen.Const((byte)255), Gen.Const((byte)128), Gen.Const((byte)1));
        Gen<byte[]> operand = Gen.OneOf(byteOf.Array[0, 9], byteOf.Array[24, 41], byteOf.Array[60, 140]);
        // Trailing zeros make the modulus even, up to a pure power of two.
        Gen<byte[]> modulus = Gen.Select(operand, Gen.Int[0, 3], Gen.Int[0, 40],
            (m, kind, zeros) => kind == 0 ? [.. m, .. new byte[zeros]] : m);
        Gen.Select(operand, Gen.OneOf(byteOf.Array[0, 7], byteOf.Array[20, 70]), modulus).Sample(
            (b, e, m) =>
            {
                byte[] input = [.. Header((UInt256)b.Length, (UInt256)e.Length, (UInt256)m.Length), .. b, .. e, .. m];
                BigInteger modulusValue = Value(m);
                BigInteger expected = modulusValue.IsZero ? 0 : BigInteger.ModPow(Value(b), Value(e), modulusValue);
                byte[] output = Run(Fork.Osaka, input).Output;
                Assert.Equal(m.Length, output.Length);
                Assert.Equal(expected, Value(output));
            },
            iter: 3000);
    }

    [Theory]
    [InlineData(3, 7, 5)]
    [InlineData(3, 0, 5)]
    [InlineData(6, 1, 24)]
    [InlineData(200, 255, 251)]
    public void An_exponent_may_end_in_zeros_and_a_modulus_that_is_cut_off_is_zero(int value, int exponent, int modulus)
    {
        // The modulus comes last.
        byte[] input = [.. Header(1u, 40u, 1u), (byte)value, (byte)exponent];
        Assert.Equal([0], Run(Fork.Berlin, input).Output);
        byte[] whole = [.. input, .. new byte[39], (byte)modulus];
        Assert.Equal(BigInteger.ModPow(value, new BigInteger(exponent) << 312, modulus), Value(Run(Fork.Berlin, whole).Output));
        Assert.Equal(BigInteger.ModPow(value, new BigInteger(exponent) << 312, modulus), Value(Run(Fork.Byzantium, whole).Output));
    }

    private static BigInteger Value(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static byte[] Header(UInt256 baseLength, UInt256 exponentLength, UInt256 modulusLength) =>
        [.. baseLength.ToBigEndian(), .. exponentLength.ToBigEndian(), .. modulusLength.ToBigEndian()];

    private static EvmResult Run(Fork fork, byte[] input)
    {
        var state = new WorldState(EmptyState.Instance);
        state.BeginTransaction();
        var machine = new EvmMachine(new BlockContext { GasLimit = 1_000_000_000, Number = 1 }, fork, EvmOptions.Default);
        return machine.Call(_caller, default, _caller, _modExp, input, Plenty, default, state, state);
    }
}
