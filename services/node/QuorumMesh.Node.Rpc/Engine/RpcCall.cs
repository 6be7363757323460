using System.Text.Json;

namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>One call in work: its arguments, and where its result goes.</summary>
public sealed class RpcCall
{
    private const int MaxTracked = 8;

    private readonly (int Start, int Length)[] _arguments = new (int, int)[MaxTracked];
    private readonly JsonReaderOptions _options;
    private List<Action>? _afterResponse;
    private ReadOnlyMemory<byte> _body;
    private int _count;

    public RpcCall(RpcSession session, Utf8JsonWriter result, int maxDepth, CancellationToken cancellation)
    {
        Session = session;
        Result = result;
        Cancellation = cancellation;
        _options = new JsonReaderOptions { MaxDepth = maxDepth };
    }

    public RpcSession Session { get; }

    public Utf8JsonWriter Result { get; }

    public CancellationToken Cancellation { get; }

    /// <summary>The request id as JSON; empty for a notification.</summary>
    public ReadOnlyMemory<byte> Id { get; private set; }

    public int Count => _count;

    /// <summary>Given and not null.</summary>
    public bool Has(int index) => index < _count && !IsNull(index);

    /// <summary>A reader on the first token of a given argument.</summary>
    /// <exception cref="RpcException">The argument is missing or null.</exception>
    public Utf8JsonReader Required(int index)
    {
        if (!Has(index)) throw RpcException.MissingArgument(index);
        return Reader(index);
    }

    /// <summary>A reader on the first token of an argument that is there (see <see cref="Has"/>).</summary>
    public Utf8JsonReader Reader(int index)
    {
        var (start, length) = _arguments[index];
        var reader = new Utf8JsonReader(_body.Span.Slice(start, length), _options);
        reader.Read();
        return reader;
    }

    /// <summary>Runs something once the answer is on its way: what must not overtake it.</summary>
    public void AfterResponse(Action action) => (_afterResponse ??= []).Add(action);

    internal IReadOnlyList<Action>? TakeAfterResponse()
    {
        var actions = _afterResponse;
        _afterResponse = null;
        return actions;
    }

    /// <summary>Splits the parameters. <paramref name="parameters"/> is empty when there are none.</summary>
    internal void Begin(ReadOnlyMemory<byte> id, ReadOnlyMemory<byte> parameters, RpcMethod method)
    {
        Id = id;
        _body = parameters;
        _count = 0;
        if (parameters.IsEmpty) return;
        var reader = new Utf8JsonReader(parameters.Span, _options);
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return;
        if (reader.TokenType != JsonTokenType.StartArray) throw new RpcException(RpcErrorCode.InvalidParams, "non-array args");
        if (method.MaxArguments == 0) return;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (_count >= method.MaxArguments)
                throw new RpcException(RpcErrorCode.InvalidParams, $"too many arguments, want at most {method.MaxArguments}");
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            _arguments[_count++] = (start, (int)reader.BytesConsumed - start);
        }
    }

    private bool IsNull(int index) => _body.Span[_arguments[index].Start] == (byte)'n';
}
