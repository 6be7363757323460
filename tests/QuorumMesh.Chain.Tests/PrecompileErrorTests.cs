using System.Text.Json;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Evm;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Tests;

/// <summary>A call to a precompile that refuses its input is traced with geth's words for the reason.</summary>
public sealed class PrecompileErrorTests
{
    private const ulong Gas = 10_000_000;
    private const string Modulus = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";
    private const string Above = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd48";
    private static readonly Address Caller = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly string Point = Word(1) + Word(2);
    private static readonly string Infinity = Word(0) + Word(0);

    /// <summary>The second group's generator (EIP-197).</summary>
    private static readonly string Twist =
        "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c21800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
        + "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa";

    public static TheoryData<int, string, string?> Refused() => new()
    {
        { 6, Point + Infinity, null },
        { 6, Word(1) + Word(1), "bn256: malformed point" },
        { 6, Point + Word(1) + Word(3), "bn256: malformed point" },
        { 6, Word(1) + Modulus, "bn256: coordinate equals modulus" },
        { 6, Point + Above, "bn256: coordinate exceeds modulus" },
        { 6, Modulus + new string('f', 64) + Word(1) + Word(1), "bn256: coordinate equals modulus" },
        { 7, Word(0) + Word(5), "bn256: malformed point" },
        { 7, new string('f', 64), "bn256: coordinate exceeds modulus" },
        { 7, Point + new string('f', 64), null },
        { 8, "", null },
        { 8, Point + Twist, null },
        { 8, Point + Twist[2..], "bad elliptic curve pairing size" },
        { 8, Word(1), "bad elliptic curve pairing size" },
        { 8, Word(1) + Word(1) + Twist, "bn256: malformed point" },
        { 8, Infinity + Twist + Point + Twist[64..128] + Twist[..64] + Twist[128..], "bn256: malformed point" },
        { 8, Point + Modulus + Twist[64..], "bn256: coordinate equals modulus" },
        { 8, Point + Twist[..192] + Above, "bn256: coordinate exceeds modulus" },
        { 9, Blake(212, 0), "invalid input length" },
        { 9, Blake(214, 0), "invalid input length" },
        { 9, "", "invalid input length" },
        { 9, Blake(213, 2), "invalid final flag" },
        { 9, Blake(213, 1), null },
        { 10, new string('0', 384), "mismatched versioned hash" },
        { 10, new string('0', 382), "invalid input length" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_refused_input_has_its_reason(int number, string input, string? error)
    {
        CallFrame call = Call(number, Hex.FromHex(input), Fork.Cancun);
        Assert.Equal(error, call.Error);
        if (error is null) return;
        Assert.Equal((Gas, null), (call.GasUsed, call.Output));
    }

    /// <summary>
    /// The first group's commitment in its compressed form: wrong flags, no number of the field, no point, no point of the group
    /// (x = 0 is of order 3).
    /// </summary>
    [Theory]
    [InlineData(0x00, 0, "short buffer")]
    [InlineData(0x40, 0, "short buffer")]
    [InlineData(0xe0, 0, "invalid infinity point encoding")]
    [InlineData(0xc0, 1, "invalid infinity point encoding")]
    [InlineData(0x9f, 0xff, "invalid fp.Element encoding")]
    [InlineData(0x80, 1, "invalid compressed coordinate: square root doesn't exist")]
    [InlineData(0x80, 0, "invalid point: subgroup check failed")]
    public void A_refused_commitment_has_its_reason(byte first, byte last, string reason)
    {
        var input = new byte[192];
        input.AsSpan(97, 46).Fill(first == 0x9f ? (byte)0xff : (byte)0);
        (input[96], input[143]) = (first, last);
        System.Security.Cryptography.SHA256.HashData(input.AsSpan(96, 48), input);
        input[0] = 1;
        Assert.Equal("error verifying kzg proof: " + reason, Call(10, input, Fork.Cancun).Error);
    }

    /// <summary>BLS12-381 and the point evaluation: the vectors of the precompiles' own tests that are refused.</summary>
    [Fact]
    public void Refused_vectors_have_their_reasons()
    {
        var refused = 0;
        using var vectors = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", "curves.json")));
        foreach (var vector in vectors.RootElement.EnumerateArray())
        {
            var name = vector.GetProperty("name").GetString()!;
            var fails = vector.GetProperty("expected").ValueKind == JsonValueKind.Null;
            var call = Call(vector.GetProperty("address").GetInt32(), Hex.FromHex(vector.GetProperty("input").GetString()!),
                Enum.Parse<Fork>(vector.GetProperty("fork").GetString()!));
            Assert.Equal((name, fails ? ReasonOf(name) : null), (name, call.Error));
            if (fails) refused++;
        }
        Assert.InRange(refused, 30, 60);
    }

    /// <summary>An inner call to a precompile is not shown, and too little gas is no fault of the input.</summary>
    [Fact]
    public void Too_little_gas_stays_out_of_gas() => Assert.Equal("out of gas", Call(8, new byte[191], Fork.Cancun, 1_000).Error);

    private static string ReasonOf(string name) => name switch
    {
        _ when name.EndsWith("empty", StringComparison.Ordinal) || name.EndsWith("short", StringComparison.Ordinal)
        || name.EndsWith("long", StringComparison.Ordinal) => "invalid input length",
        _ when name.EndsWith("padding", StringComparison.Ordinal) => "invalid field element top bytes",
        _ when name.EndsWith("modulus", StringComparison.Ordinal) => "invalid fp.Element encoding",
        _ when name.EndsWith("off the curve", StringComparison.Ordinal) => "invalid point: not on curve",
        _ when name.Contains("outside G1", StringComparison.Ordinal) => "g1 point is not on correct subgroup",
        _ when name.Contains("outside G2", StringComparison.Ordinal) => "g2 point is not on correct subgroup",
        _ when name.Contains("above the order", StringComparison.Ordinal) =>
        "error verifying kzg proof: scalar is not canonical when interpreted as a big integer in big-endian",
        _ => "error verifying kzg proof: can't verify opening proof",
    };

    private static CallFrame Call(int number, byte[] input, Fork fork, ulong gas = Gas)
    {
        var state = new WorldState(EmptyState.Instance);
        state.BeginTransaction();
        var tracer = new CallTracer(new CallTracerOptions(), new TraceErrors(TraceRules.V24, fork), fork,
            new TraceBudget(1 << 20));
        var machine = new EvmMachine(new BlockContext { GasLimit = Gas, Number = 1 }, fork, EvmOptions.Default);
        machine.Call(Caller, default, Caller, PrecompileTable.AddressOf(number), input, gas, default, state, state, tracer);
        return tracer.Top!;
    }

    private static string Word(ulong value) => value.ToString("x64", System.Globalization.CultureInfo.InvariantCulture);

    private static string Blake(int length, byte flag) =>
        new string('0', 2 * (length - 1)) + flag.ToString("x2", System.Globalization.CultureInfo.InvariantCulture);
}
