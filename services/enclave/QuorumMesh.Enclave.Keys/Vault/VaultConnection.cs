using System.Net;
using System.Security.Authentication;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Outbound;

namespace QuorumMesh.Enclave.Keys.Vault;

/// <summary>A question to a vault.</summary>
/// <param name="Path">Below the base address, escaped, without a slash at its head.</param>
/// <param name="Token">Null for log-ins.</param>
/// <param name="Json">Null for GET; the caller wipes it afterwards.</param>
/// <param name="Repeatable">Whether a second try does no harm: a log-in or the opening of a wrapping token may use something up.</param>
internal sealed record VaultRequest(string Path, string? Token, ReadOnlyMemory<byte>? Json = null, bool Repeatable = true);

/// <summary>
/// Exchanges with a vault: the addresses in turn, a few tries for what may pass, one redirect of a standby, answers of at most a MiB in
/// locked memory. What the HTTP and TLS libraries buffer on the way is theirs, and is written over by the next exchange.
/// </summary>
internal sealed class VaultConnection : IDisposable
{
    private const int MaxAnswer = 1024 * 1024;

    /// <summary>Longer than a standby is behind (some 100 ms), shorter than an election (some 10 s), which the caller waits for.</summary>
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(1)];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly VaultSettings _settings;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public VaultConnection(VaultSettings settings, SecretReader secrets, TimeProvider time)
    {
        _settings = settings;
        _time = time;
        var handler = new OutboundHandlers().Create(OutboundLimits.Vault, server: "vault");
        VaultTls.Configure(handler.SslOptions, settings, secrets);
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>The answer of the first address that gives one that is not passing, or else the last passing one.</summary>
    /// <exception cref="KeyUnavailableException">No address answers.</exception>
    /// <exception cref="KeyException">The certificate does not fit, or the answer is none of a vault's.</exception>
    public async Task<VaultAnswer> SendAsync(VaultRequest request, CancellationToken cancellation)
    {
        for (var round = 0; ; round++)
        {
            var last = round == Pauses.Length;
            var answer = await AskAllAsync(request, last || !request.Repeatable, cancellation).ConfigureAwait(false);
            if (answer is not null)
                return answer;
            await Task.Delay(Pauses[round], _time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Null when all addresses failed in a way that may pass and another round follows.</summary>
    private async Task<VaultAnswer?> AskAllAsync(VaultRequest request, bool lastRound, CancellationToken cancellation)
    {
        VaultAnswer? passing = null;
        Exception? failure = null;
        foreach (var address in _settings.Addresses.Items)
        {
            try
            {
                var answer = await AskAsync(new Uri(address, request.Path), request, cancellation).ConfigureAwait(false);
                if (answer.Verdict != VaultVerdict.Passing)
                {
                    passing?.Dispose();
                    return answer;
                }

                passing?.Dispose();
                passing = answer;
            }
            catch (HttpRequestException e) when (!cancellation.IsCancellationRequested)
            {
                failure = e;
                RefuseBadCertificate(address, e);
                // What was sent may have been taken: a secret id for one use is not spent twice.
                var wasSent = e.HttpRequestError is not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError);
                if (!request.Repeatable && wasSent)
                    break;
            }
        }

        if (lastRound && passing is not null)
            return passing;
        passing?.Dispose();
        return lastRound ? throw Away(failure) : null;
    }

    private async Task<VaultAnswer> AskAsync(Uri url, VaultRequest request, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Patience, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            var (answer, location) = await ExchangeAsync(url, request, linked.Token).ConfigureAwait(false);
            // A standby names the leader. One step: a dead leader is named for as long as there is no new one.
            if (answer.Status != (int)HttpStatusCode.TemporaryRedirect || location is null || !Follows(url, location))
                return answer;
            try
            {
                var (second, _) = await ExchangeAsync(location, request, linked.Token).ConfigureAwait(false);
                answer.Dispose();
                return second;
            }
            catch (HttpRequestException)
            {
                return answer;
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new HttpRequestException($"no answer within {Patience.TotalSeconds:0} s");
        }
        catch (IOException e)
        {
            throw new HttpRequestException(e.Message, e);
        }
    }

    private async Task<(VaultAnswer Answer, Uri? Location)> ExchangeAsync(Uri url, VaultRequest request, CancellationToken cancellation)
    {
        using var message = new HttpRequestMessage(request.Json is null ? HttpMethod.Get : HttpMethod.Post, url);
        message.Headers.Add("X-Vault-Request", "true");
        if (request.Token is not null)
            message.Headers.TryAddWithoutValidation("X-Vault-Token", request.Token);
        if (_settings.Namespace is not null)
            message.Headers.TryAddWithoutValidation("X-Vault-Namespace", _settings.Namespace);
        if (request.Json is { } json)
            message.Content = new SecretContent(json);
        using var response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        var body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
            return (new VaultAnswer((int)response.StatusCode, await ReadAsync(body, cancellation).ConfigureAwait(false)),
                response.Headers.Location);
    }

    private async Task<SecretBuffer> ReadAsync(Stream body, CancellationToken cancellation)
    {
        var length = 0;
        var buffer = new SecretBuffer(16 * 1024);
        try
        {
            while (true)
            {
                var read = await body.ReadAsync(buffer.Memory[length..], cancellation).ConfigureAwait(false);
                length += read;
                if (read == 0)
                    return SecretBuffer.CopyOf(buffer.Span[..length]);
                if (length < buffer.Length)
                    continue;
                if (length >= MaxAnswer)
                    throw new KeyException(_settings.Setting, $"the vault answers with more than {MaxAnswer} bytes; is it a vault?");
                var larger = new SecretBuffer(buffer.Length * 4);
                buffer.Span.CopyTo(larger.Span);
                buffer.Dispose();
                buffer = larger;
            }
        }
        finally
        {
            buffer.Dispose();
        }
    }

    /// <summary>Never from TLS to plain text, and in plain text to this machine alone: the token goes along.</summary>
    private static bool Follows(Uri from, Uri to) =>
        to.IsAbsoluteUri && to.Scheme == from.Scheme && (to.Scheme == Uri.UriSchemeHttps || to.IsLoopback);

    private void RefuseBadCertificate(Uri address, HttpRequestException e)
    {
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
            if (cause is AuthenticationException)
                throw new KeyException(_settings.Setting,
                    $"no TLS with {address.Authority}: {cause.Message} Set caFile to the authority of its certificate (PEM), check the "
                    + "name in url, and clientFile if the listener asks for a certificate.", e);
    }

    private KeyUnavailableException Away(Exception? failure) => new(_settings.Setting,
        $"no vault answers at {string.Join(", ", _settings.Addresses.Items.Select(a => a.Authority))}: "
        + (failure is null ? "no address" : OutboundHandlers.Reason(failure)), failure);
}
