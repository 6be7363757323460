using System.Text.Json;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Evm.Tests;

/// <summary>
/// BLS12-381 (EIP-2537), point evaluation (EIP-4844), P-256 (EIP-7951) by vectors of another implementation, and the laws of
/// groups and pairings.
/// </summary>
public class PrecompilesCryptoTests
{
    private const ulong Plenty = 1_000_000_000;
    private static readonly Address _caller = Address.Parse("0x1000000000000000000000000000000000000001");

    [Theory]
    [InlineData(0x0a)]
    [InlineData(0x0b)]
    [InlineData(0x0c)]
    [InlineData(0x0d)]
    [InlineData(0x0e)]
    [InlineData(0x0f)]
    [InlineData(0x10)]
    [InlineData(0x11)]
    [InlineData(0x100)]
    public void Vectors_cost_and_give_what_they_say(int number)
    {
        int cases = 0;
        foreach (JsonElement vector in Vectors(number))
        {
            string name = vector.GetProperty("name").GetString()!;
            string? expected = vector.GetProperty("expected").GetString();
            EvmResult result = Run(Enum.Parse<Fork>(vector.GetProperty("fork").GetString()!), number,
                Hex.FromHex(vector.GetProperty("input").GetString()!));
            Assert.Equal((name, expected is not null), (name, result.IsSuccess));
            if (expected is not null) Assert.Equal((name, expected), (name, Hex.ToHex(result.Output)[2..]));
            Assert.Equal((name, expected is null ? Plenty : vector.GetProperty("gas").GetUInt64()), (name, Plenty - result.GasLeft));
            cases++;
        }

        Assert.InRange(cases, 4, 40);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(95)]
    [InlineData(96)]
    [InlineData(144)]
    [InlineData(191)]
    public void A_changed_proof_fails(int position)
    {
        byte[] input = Hex.FromHex(Vectors(0x0a)[0].GetProperty("input").GetString()!);
        input[position] ^= 1;
        EvmResult result = Run(Fork.Cancun, 0x0a, input);
        Assert.Equal((false, 0UL), (result.IsSuccess, result.GasLeft));
    }

    [Fact]
    public void The_pairing_is_bilinear()
    {
        byte[] g1 = MapToG1(7), g2 = MapToG2(9);
        ulong[] factors = [1, 2, 3, 0xfedc_ba98_7654_3210];
        foreach (ulong a in factors)
        {
            foreach (ulong b in factors)
            {
                UInt256 minusProduct = UInt256.FromBigInteger(Order - (System.Numerics.BigInteger)a * b);
                byte[] check = [.. Multiply(0x0c, g1, a), .. Multiply(0x0e, g2, b), .. Multiply(0x0c, g1, minusProduct), .. g2];
                Assert.Equal(1, Run(Fork.Prague, 0x0f, check).Output[31]);
                byte[] wrong = [.. Multiply(0x0c, g1, a), .. Multiply(0x0e, g2, b + 1), .. Multiply(0x0c, g1, minusProduct), .. g2];
                Assert.Equal(0, Run(Fork.Prague, 0x0f, wrong).Output[31]);
            }
        }
    }

    [Theory]
    [InlineData(0x0b, 0x0c)]
    [InlineData(0x0d, 0x0e)]
    public void Groups_obey_their_laws(int add, int multiply)
    {
        Func<ulong, byte[]> map = add == 0x0b ? MapToG1 : MapToG2;
        byte[] p = map(1), q = map(2), r = map(3), infinity = new byte[p.Length];
        Assert.Equal(Add(add, p, q), Add(add, q, p));
        Assert.Equal(Add(add, Add(add, p, q), r), Add(add, p, Add(add, q, r)));
        Assert.Equal(p, Add(add, p, infinity));
        Assert.Equal(Add(add, p, p), Multiply(multiply, p, 2));
        Assert.Equal(infinity, Multiply(multiply, p, UInt256.FromBigInteger(Order)));
        Assert.Equal(infinity, Add(add, p, Multiply(multiply, p, UInt256.FromBigInteger(Order - 1))));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(20)]
    [InlineData(70)]
    [InlineData(210)]
    public void A_sum_of_multiples_is_the_sum_of_each(int count)
    {
        byte[] input = [];
        byte[] expected = new byte[128];
        for (int i = 0; i < count; i++)
        {
            byte[] point = MapToG1((ulong)i % 7);
            // Scalars of all sizes, above the order too.
            byte[] scalar = (UInt256.MaxValue >> (i * 3 % 256)).ToBigEndian();
            input = [.. input, .. point, .. scalar];
            expected = Add(0x0b, expected, Run(Fork.Prague, 0x0c, [.. point, .. scalar]).Output);
        }

        Assert.Equal(expected, Run(Fork.Prague, 0x0c, input).Output);
    }

    [Theory]
    [InlineData(Fork.Shanghai, 0x0a)]
    [InlineData(Fork.Cancun, 0x0b)]
    [InlineData(Fork.Cancun, 0x11)]
    [InlineData(Fork.Prague, 0x100)]
    [InlineData(Fork.Osaka, 0x12)]
    [InlineData(Fork.Osaka, 0xff)]
    public void A_fork_lacks_what_came_later(Fork fork, int number)
    {
        Assert.DoesNotContain(PrecompileTable.AddressOf(number), PrecompileTable.Addresses(fork));
        Assert.Equal(Plenty, Run(fork, number, [1]).GasLeft);
    }

    private static System.Numerics.BigInteger Order { get; } =
        System.Numerics.BigInteger.Parse("52435875175126190479447740508185965837690552500527637822603658699938581184513",
            System.Globalization.CultureInfo.InvariantCulture);

    private static byte[] Word64(ulong value) => [.. new byte[32], .. new UInt256(value).ToBigEndian()];

    private static byte[] MapToG1(ulong value) => Run(Fork.Prague, 0x10, Word64(value)).Output;

    private static byte[] MapToG2(ulong value) => Run(Fork.Prague, 0x11, [.. Word64(value), .. Word64(value + 1)]).Output;

    private static byte[] Add(int number, byte[] a, byte[] b) => Run(Fork.Prague, number, [.. a, .. b]).Output;

    private static byte[] Multiply(int number, byte[] point, UInt256 scalar) =>
        Run(Fork.Prague, number, [.. point, .. scalar.ToBigEndian()]).Output;

    private static List<JsonElement> Vectors(int number)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", "curves.json")));
        return [.. document.RootElement.EnumerateArray().Where(vector => vector.GetProperty("address").GetInt32() == number)
            .Select(vector => vector.Clone())];
    }

    private static EvmResult Run(Fork fork, int number, byte[] input)
    {
        var state = new WorldState(EmptyState.Instance);
        state.BeginTransaction();
        var machine = new EvmMachine(new BlockContext { GasLimit = 1_000_000_000, Number = 1 }, fork, EvmOptions.Default);
        return machine.Call(_caller, default, _caller, PrecompileTable.AddressOf(number), input, Plenty, default, state, state);
    }
}
