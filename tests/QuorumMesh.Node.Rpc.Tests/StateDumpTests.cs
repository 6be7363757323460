using System.Text.Json;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

public sealed class StateDumpTests
{
    [VectorFact]
    public async Task Dumps_are_the_recorded_ones()
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

    [VectorFact]
    public async Task An_address_is_dumped_from_its_side()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        foreach (var side in new[] { "public", "private" })
        {
            var dump = await client.CallAsync("debug_dumpBlock", $"[\"latest\",\"{side}\"]");
            var (name, account) = dump.GetProperty("accounts").EnumerateObject().Select(a => (a.Name, a.Value))
                .First(a => a.Value.GetProperty("code").GetString()!.Length > 100);
            var one = await client.CallAsync("debug_dumpAddress", $"[\"0x{name}\",\"latest\"]");
            Assert.Null(JsonDifference.Find(account, one, shapeOnly: false, name));
        }
        Assert.Equal("error retrieving state",
            (await client.FailAsync("debug_dumpAddress", "[\"0x00000000000000000000000000000000000000ff\",\"latest\"]")).Message);
    }
}
