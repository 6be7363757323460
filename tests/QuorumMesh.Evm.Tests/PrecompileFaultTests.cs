using System.Text.Json;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Tests;

/// <summary>A precompile explains exactly the inputs that it fails on.</summary>
public class PrecompileFaultTests
{
    private const string Bn254Pair =
        "00000000000000000000000000000000000000000000000000000000000000010000000000000000000000000000000000000000000000000000000000000002"
        + "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c21800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
        + "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa";

    [Fact]
    public void Faults_are_found_where_a_run_fails()
    {
        var random = new Random(5);
        int failed = 0, ran = 0;
        foreach ((int number, byte[] input) in Inputs())
        {
            Check(number, input);
            for (int i = 0; i < 4; i++) Check(number, Changed(input, random));
        }

        Assert.True(failed > 200 && ran > 100, $"{failed} failed, {ran} ran");

        void Check(int number, byte[] input)
        {
            Precompile precompile = PrecompileTable.For(Fork.Osaka)[number]!;
            bool fails = precompile.Run(input) is null;
            Assert.Equal((number, Hex.ToHex(input), fails), (number, Hex.ToHex(input), precompile.Explain(input) != PrecompileFault.None));
            if (fails) failed++;
            else ran++;
        }
    }

    [Fact]
    public void Where_no_precompile_is_there_is_nothing_to_explain()
    {
        Assert.Equal(PrecompileFault.InputLength, PrecompileTable.Explain(Fork.Istanbul, PrecompileTable.AddressOf(9), []));
        Assert.Equal(PrecompileFault.None, PrecompileTable.Explain(Fork.Constantinople, PrecompileTable.AddressOf(9), []));
        Assert.Equal(PrecompileFault.None, PrecompileTable.Explain(Fork.Osaka, PrecompileTable.AddressOf(0x99), []));
        Assert.Equal(PrecompileFault.None,
            PrecompileTable.Explain(Fork.Osaka, Address.Parse("0xffffffffffffffffffffffffffffffffffffffff"), []));
    }

    private static IEnumerable<(int Number, byte[] Input)> Inputs()
    {
        byte[] pair = Hex.FromHex(Bn254Pair);
        for (int number = 1; number <= 4; number++) yield return (number, pair);
        foreach (int length in new[] { 0, 31, 64, 127, 128, 192 })
        {
            yield return (6, pair[..length]);
            yield return (7, pair[..length]);
            yield return (8, pair[..length]);
        }

        yield return (8, [.. pair, .. pair]);
        byte[] blake = new byte[213];
        blake[3] = 12;
        for (byte flag = 0; flag < 3; flag++) yield return (9, [.. blake[..212], flag]);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", "curves.json")));
        foreach (JsonElement vector in document.RootElement.EnumerateArray())
            yield return (vector.GetProperty("address").GetInt32(), Hex.FromHex(vector.GetProperty("input").GetString()!));
    }

    /// <summary>One bit, a byte at an end, or a piece that is zero. BLAKE2F's rounds stay few.</summary>
    private static byte[] Changed(byte[] input, Random random)
    {
        if (input.Length == 0) return [1];
        byte[] changed = [.. input];
        switch (random.Next(4))
        {
            case 0:
                return changed[..^1];
            case 1:
                return [.. changed, 0];
            case 2:
                int start = random.Next(changed.Length);
                changed.AsSpan(start, Math.Min(48, changed.Length - start)).Clear();
                return changed;
            default:
                changed[random.Next(Math.Min(4, changed.Length - 1), changed.Length)] ^= (byte)(1 << random.Next(8));
                return changed;
        }
    }
}
