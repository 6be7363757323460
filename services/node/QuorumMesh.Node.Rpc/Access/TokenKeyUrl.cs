using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;
using QuorumMesh.Outbound;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Rpc.Access;

/// <summary>
/// A JSON Web Key Set at a URL: fetched at start, every five minutes, and when a token names an unknown key, but never twice within ten
/// seconds. What was had last stays in use while the URL does not answer.
/// </summary>
public sealed class TokenKeyUrl : ITokenKeys
{
    private const int LongestAnswer = 1 << 20;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LeastInterval = TimeSpan.FromSeconds(10);

    private readonly Uri _url;
    private readonly HttpClient _http;
    private readonly Action<string> _tell;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private IReadOnlyList<SecurityKey> _current = [];
    private byte[] _digest = [];
    private Task _fetch = Task.CompletedTask;
    private DateTimeOffset _next;
    private string? _problem;

    /// <param name="tls">Null goes by the machine's own list of CAs.</param>
    /// <param name="tell">Takes a line for the log: that keys cannot be had, or are had again.</param>
    public TokenKeyUrl(Uri url, OutboundHandlers handlers, TlsClient? tls, Action<string> tell, TimeProvider clock)
    {
        (_url, _tell, _clock) = (url, tell, clock);
        _http = new HttpClient(handlers.Create(OutboundLimits.Callback, tls: tls))
        {
            Timeout = TimeSpan.FromSeconds(10),
            MaxResponseContentBufferSize = LongestAnswer,
        };
        _timer = clock.CreateTimer(_ => _ = Begin(), null, TimeSpan.Zero, Interval);
    }

    /// <inheritdoc/>
    public IReadOnlyList<SecurityKey> Current => Volatile.Read(ref _current);

    /// <inheritdoc/>
    public ValueTask RenewAsync(CancellationToken cancellation) => new(Begin().WaitAsync(cancellation));

    public void Dispose()
    {
        _timer.Dispose();
        _stop.Cancel();
        _http.Dispose();
    }

    private Task Begin()
    {
        lock (_gate)
        {
            if (!_fetch.IsCompleted || _stop.IsCancellationRequested || _clock.GetUtcNow() < _next) return _fetch;
            _next = _clock.GetUtcNow() + LeastInterval;
            return _fetch = FetchAsync();
        }
    }

    /// <summary>The same keys stay the same list: what was found good by them is known by it.</summary>
    private void Take(byte[] answer)
    {
        var digest = SHA256.HashData(answer);
        if (digest.AsSpan().SequenceEqual(_digest)) return;
        Volatile.Write(ref _current, TokenKeyList.Read(answer));
        _digest = digest;
    }

    private async Task FetchAsync()
    {
        string? problem = null;
        try
        {
            Take(await _http.GetByteArrayAsync(_url, _stop.Token).ConfigureAwait(false));
        }
        catch (Exception e) when (e is HttpRequestException or FormatException or IOException or OperationCanceledException)
        {
            problem = e is OperationCanceledException ? "no answer within 10 s" : OutboundHandlers.Reason(e);
        }
        if (problem == _problem || _stop.IsCancellationRequested) return;
        _problem = problem;
        _tell(problem is null ? $"The keys of tokens were had from {_url}"
            : $"The keys of tokens cannot be had from {_url}: {problem}; {(Current.Count == 0 ? "no token is taken until then"
            : "those from before stay in use")}");
    }
}
