using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Rest.P2P;

/// <summary>
/// Gets single payloads back from another party's manager (tessera 2.4, INDIVIDUAL) and gives them to ours as pushes. A Tessera asks for no
/// proof.
/// </summary>
public sealed class PayloadFetcher(IEnclave enclave, HttpClient http)
{
    private const int MaxAnswer = 16 * 1024 * 1024;

    private static readonly MediaTypeHeaderValue OctetStream = new("application/octet-stream");

    /// <param name="from">The other manager's URL, normalised, as that manager itself writes it.</param>
    /// <returns>The payload in LEGACY bytes.</returns>
    /// <exception cref="PrivacyException">It cannot be had; the message says why.</exception>
    public async Task<byte[]> FetchAsync(string from, PublicKey key, ReadOnlyMemory<byte> hash, CancellationToken cancel)
    {
        using var first = await AskAsync(from, key, hash, null, cancel).ConfigureAwait(false);
        if (first.StatusCode != HttpStatusCode.Unauthorized || !first.Headers.TryGetValues(RestHeaders.ResendChallenge, out var challenge))
            return await BodyAsync(from, first, cancel).ConfigureAwait(false);
        var proof = await OpenAsync(from, key, challenge.First(), cancel).ConfigureAwait(false);
        using var second = await AskAsync(from, key, hash, proof, cancel).ConfigureAwait(false);
        return await BodyAsync(from, second, cancel).ConfigureAwait(false);
    }

    /// <exception cref="PrivacyException">Our manager does not take it.</exception>
    public async Task StoreAsync(string own, byte[] payload, CancellationToken cancel)
    {
        using var content = new ByteArrayContent(payload);
        content.Headers.ContentType = OctetStream;
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(own), "push")) { Content = content };
        using var answer = await SendAsync(request, cancel).ConfigureAwait(false);
        await BodyAsync(own, answer, cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// The other manager may be anyone's: of what it has us open, only the challenge of that very manager leaves us, so that it can hand on
    /// no other one's.
    /// </summary>
    private async Task<string> OpenAsync(string from, PublicKey key, string challenge, CancellationToken cancel)
    {
        var bytes = new byte[challenge.Length];
        if (!Convert.TryFromBase64String(challenge, bytes, out var length))
            throw new PrivacyException(Failure.PeerRefused, $"{from} sent a challenge that is not base64");
        EncodedPayload payload;
        try
        {
            payload = LegacyPayloadCodec.Decode(bytes.AsSpan(0, length));
        }
        catch (WireFormatException e)
        {
            throw new PrivacyException(Failure.PeerRefused, $"{from} sent a challenge that cannot be read", e);
        }

        var opened = await enclave.OpenAsync(payload, key, cancel).ConfigureAwait(false);
        var text = Encoding.UTF8.GetString(opened.Payload);
        return text.StartsWith($"{ResendGuard.Prefix}{from} ", StringComparison.Ordinal)
            ? text
            : throw new PrivacyException(Failure.PeerRefused,
                $"{from} sent the challenge of another manager: name it as its own serverAddress does");
    }

    private Task<HttpResponseMessage> AskAsync(string from, PublicKey key, ReadOnlyMemory<byte> hash, string? proof,
        CancellationToken cancel)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(from), "resend"))
        {
            Content = new StringContent(
                JsonSerializer.Serialize(new { type = "INDIVIDUAL", publicKey = key.ToBase64(), key = Convert.ToBase64String(hash.Span) }),
                Encoding.UTF8, "application/json"),
        };
        if (proof is not null)
            request.Headers.Add(RestHeaders.ResendProof, proof);
        return SendAsync(request, cancel);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        using var _ = request;
        try
        {
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancel.IsCancellationRequested)
        {
            throw new PrivacyException(Failure.PeerOffline, $"Connection error while communicating with {request.RequestUri}", e);
        }
    }

    private static async Task<byte[]> BodyAsync(string url, HttpResponseMessage answer, CancellationToken cancel)
    {
        try
        {
            await answer.Content.LoadIntoBufferAsync(MaxAnswer, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new PrivacyException(Failure.PeerOffline, $"The answer of {url} broke off, or is larger than {MaxAnswer} bytes", e);
        }

        var body = await answer.Content.ReadAsByteArrayAsync(cancel).ConfigureAwait(false);
        return answer.IsSuccessStatusCode
            ? body
            : throw new PrivacyException(Failure.PeerRefused,
                $"{url} answered {(int)answer.StatusCode}: {Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 500)))}");
    }
}
