using System.Text.Json;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

public sealed class DifficultyTests
{
    private static readonly ChainConfig MainNet = new()
    {
        HomesteadBlock = 1_150_000,
        ByzantiumBlock = 4_370_000,
        ConstantinopleBlock = 7_280_000
    };
    private static readonly ChainConfig Ropsten = new() { HomesteadBlock = 0, ByzantiumBlock = 1_700_000, ConstantinopleBlock = 4_230_000 };

    [VectorTheory]
    [InlineData("difficulty.json", "main", 14, 0)]
    [InlineData("difficultyMainNetwork.json", "main", 2254, 0)]
    [InlineData("difficultyCustomMainNetwork.json", "main", 90, 270)]
    [InlineData("difficultyRopsten.json", "ropsten", 2254, 0)]
    [InlineData("difficultyCustomHomestead.json", "homestead", 30, 90)]
    public void Public_vectors(string file, string network, int expectedChecks, int impossible)
    {
        var config = network switch { "main" => MainNet, "ropsten" => Ropsten, _ => new ChainConfig { HomesteadBlock = 0 } };
        using var document = JsonDocument.Parse(Vectors.ReadText("ethereum-tests/BasicTests/" + file));
        var checks = 0;
        foreach (var test in document.RootElement.EnumerateObject())
        {
            UInt256 Number(string name) => UInt256.Parse(test.Value.GetProperty(name).GetString()!);
            var parentDifficulty = Number("parentDifficulty");
            // As in geth's own runner: such parents cannot be.
            if (parentDifficulty < EthashDifficulty.Minimum)
            {
                impossible--;
                continue;
            }
            var uncles = test.Value.TryGetProperty("parentUncles", out var u) && u.GetString() is { Length: 66 } hash
                ? Hash256.Parse(hash) : default;
            var parent = new BlockHeader
            {
                Number = (ulong)Number("currentBlockNumber") - 1,
                Time = (ulong)Number("parentTimestamp"),
                Difficulty = parentDifficulty,
                UncleHash = uncles,
            };
            var next = EthashDifficulty.Next(config, CompatibilityProfile.V2_5, (ulong)Number("currentTimestamp"), parent);
            Assert.True(next == Number("currentDifficulty"), $"{test.Name}: {next}, expected {Number("currentDifficulty")}");
            checks++;
        }
        Assert.Equal((expectedChecks, 0), (checks, impossible));
    }

    [Fact]
    public void Gas_limit_moves_by_one_in4096()
    {
        var parent = new BlockHeader { GasLimit = 0xE0000000 };
        Assert.Equal(0xdff20001ul, new GasLimitRule().Next(parent));
        Assert.Equal(700_000_000ul, new GasLimitRule().Next(new BlockHeader { GasLimit = 4_000_000 }));
    }
}
