using System.Text.Json;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

public sealed class StateDumpTests
{
    [VectorFact]
    public async Task DumpsAreTheRecordedOnes()
    {
        using var dumps = RecordedNetwork.Json("stateDumps.json");
        var differences = new List<string>();
        foreach (var number in new[] { 1, 3 })
        {
            using var node = RecordedNetwork.Node(number);
            await using var client = new RpcClient(node);
            foreach (var member in dumps.RootElement.EnumerateObject())
            {
                var isPublic = member.Name.StartsWith("public", StringComparison.OrdinalIgnoreCase);
                if (!isPublic && !member.Name.EndsWith($"{number}", StringComparison.Ordinal)) continue;
                var dump = await client.CallAsync("debug_dumpBlock", $"[\"latest\",\"{(isPublic ? "public" : "private")}\"]");
                if (JsonDifference.Find(member.Value, dump, shapeOnly: false, member.Name) is { } difference) differences.Add(difference);
            }
        }
        Assert.Empty(differences);
    }
}
