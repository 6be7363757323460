using System.Text.Json;
using System.Text.Json.Serialization;
using QuorumMesh.Files;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Network.Discovery;

/// <summary>Nodes that were there at the last stop, as a list of enode URLs. What cannot be read is as if it were not there.</summary>
internal sealed class KnownNodesFile(string path)
{
    private const int Most = 17 * NodeTable.BucketSize;
    private const long MaxBytes = 128 * 1024;

    public IReadOnlyList<FoundNode> Read()
    {
        try
        {
            if (!File.Exists(path) || new FileInfo(path).Length > MaxBytes) return [];
            var urls = JsonSerializer.Deserialize(File.ReadAllText(path), KnownNodesJson.Default.StringArray) ?? [];
            return [.. urls.Take(Most).Select(url => Enode.TryParse(url, out var enode) ? FoundNode.Of(enode) : null).OfType<FoundNode>()];
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(IEnumerable<FoundNode> nodes)
    {
        string[] urls = [.. nodes.Take(Most).Select(node => node.ToEnode().ToString())];
        DurableFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(urls, KnownNodesJson.Default.StringArray), DurableFile.OwnerOnly);
    }
}

/// <summary>Read and written without reflection.</summary>
[JsonSerializable(typeof(string[]))]
internal sealed partial class KnownNodesJson : JsonSerializerContext;
