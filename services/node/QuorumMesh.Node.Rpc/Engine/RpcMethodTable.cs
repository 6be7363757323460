using System.Text;

namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>All methods by name. Filled once, then only read.</summary>
public sealed class RpcMethodTable
{
    private const int MaxNameLength = 128;

    private readonly Dictionary<string, RpcMethod> _methods = new(StringComparer.Ordinal);

    public IEnumerable<string> Namespaces => _methods.Values.Select(m => m.Namespace).Distinct().Order(StringComparer.Ordinal);

    internal IReadOnlyCollection<RpcMethod> Methods => _methods.Values;

    public void Add(string name, int maxArguments, Action<RpcCall> handler) => AddAsync(name, maxArguments, call =>
    {
        handler(call);
        return ValueTask.CompletedTask;
    });

    /// <param name="together">For calls that stand next to each other in a batch; null runs them one by one.</param>
    public void AddAsync(string name, int maxArguments, RpcHandler handler, RpcTogether? together = null) =>
        _methods.Add(name, new RpcMethod(name, maxArguments, handler) { Together = together });

    public RpcMethod? Find(string name) => _methods.GetValueOrDefault(name);

    /// <param name="utf8Name">Without escapes.</param>
    public RpcMethod? Find(ReadOnlySpan<byte> utf8Name)
    {
        if (utf8Name.Length > MaxNameLength) return null;
        Span<char> name = stackalloc char[MaxNameLength];
        if (Encoding.UTF8.TryGetChars(utf8Name, name, out var length)
            && _methods.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name[..length], out var method))
            return method;
        return null;
    }
}
