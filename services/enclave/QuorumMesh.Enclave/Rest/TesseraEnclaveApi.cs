using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Listeners;

namespace QuorumMesh.Enclave.Rest;

/// <summary>
/// The HTTP interface of Tessera's remote enclave (tessera 5.2), so that the enclave of ours can hold the keys of a Tessera. As there,
/// whatever goes wrong is 500 with a text, an unknown path too.
/// </summary>
internal sealed class TesseraEnclaveApi(
    PayloadSealer sealer, KeyCustody custody, EnclaveMetrics metrics, IReadOnlyList<PublicKey> alwaysSendTo, ByteBudget budget)
{
    /// <summary>The longest payload in base64, its affected payloads, and room for the rest.</summary>
    private const long MaxBody = 128L * 1024 * 1024;

    /// <summary>Beside the body: what is decoded of it, the answer, and the answer's text.</summary>
    private const int Forms = 4;

    private const string OctetStream = "application/octet-stream";

    private static readonly TimeSpan RoomTime = TimeSpan.FromSeconds(30);
    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Answers every request to its port.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            // What is read is bounded below.
            limit.MaxRequestBodySize = null;
        var startedAt = Stopwatch.GetTimestamp();
        var (operation, outcome) = ("unknown", "ok");
        Answer answer;
        // Until the answer is taken: a caller that does not read it holds its share of the budget, and no more than that.
        using var share = budget.Lease();
        try
        {
            (operation, answer) = await AnswerAsync(context, share).ConfigureAwait(false);
        }
        catch (Exception e) when (e is UnknownKeyException or InvalidCipherException or JsonException or TimeoutException
            or BudgetExceededException)
        {
            outcome = e is UnknownKeyException ? "unknown_key" : "invalid";
            answer = Text(500, e.Message);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        metrics.Record(operation, outcome, startedAt);
        share.TryHold(answer.Body.Length);
        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = answer.Type;
        context.Response.ContentLength = answer.Body.Length;
        await BoundedAnswer.WriteAsync(context, answer.Body).ConfigureAwait(false);
    }

    private async Task<(string Operation, Answer Answer)> AnswerAsync(HttpContext context, ByteLease share)
    {
        var (method, path) = (context.Request.Method, context.Request.Path.Value);
        if (method == HttpMethods.Get && path == "/ping")
            return ("ping", Ping(context));
        Func<EnclaveJson, Answer>? work = (method, path) switch
        {
            ("GET", "/default") => _ => Octets(sealer.Ring.Default.PublicKey.Span),
            ("GET", "/forwarding") => _ => Keys(alwaysSendTo),
            // Retired ones too: the manager tries these to open what was sealed for them.
            ("GET", "/public") => _ => Keys([.. sealer.Ring.Keys.Select(k => k.PublicKey)]),
            ("POST", "/encrypt") => Encrypt,
            ("POST", "/encrypt/raw") => EncryptRaw,
            ("POST", "/encrypt/toraw") => EncryptToRaw,
            ("POST", "/unencrypt") => body => Octets(sealer.Open(body.Payload("data"), body.KeyOrNull("providedKey")).Payload),
            ("POST", "/unencrypt/raw") => body => Octets(sealer.OpenRaw(body.Raw()).Payload),
            ("POST", "/addRecipient") => body => Octets(sealer.AddBox(body.Payload("data"), body.Key("providedKey"))),
            ("POST", "/findinvalidsecurityhashes") => FindInvalid,
            _ => null,
        };
        if (work is null)
            return ("unknown", Text(500, "HTTP 404 Not Found"));
        if (custody.Problem is { } problem)
            throw new UnknownKeyException(problem);
        var operation = path![1..].Replace('/', '_').ToLowerInvariant();
        if (method == HttpMethods.Get)
            return (operation, work(default));
        using var body = await BoundedBody.ReadAsync(context.Request, MaxBody, budget, wait: RoomTime, forms: 1 + Forms)
            .ConfigureAwait(false) ?? throw new InvalidCipherException("the body is longer than this enclave takes");
        if (JsonText.Refuse(body.Bytes.Span) is { } unreadable)
            throw new InvalidCipherException(unreadable);
        if (!share.TryHold(Forms * (long)body.Bytes.Length))
            throw new BudgetExceededException(budget);
        using var document = JsonDocument.Parse(body.Bytes, new JsonDocumentOptions { MaxDepth = 16 });
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? (operation, work(new EnclaveJson(document.RootElement)))
            : throw new InvalidCipherException("the body must be a JSON object");
    }

    /// <summary>In the first of text's types that the caller names: a Tessera asks for <c>text/html</c> (tessera 13.2).</summary>
    private Answer Ping(HttpContext context)
    {
        var isHtml = context.Request.Headers.Accept.ToString().TrimStart().StartsWith("text/html", StringComparison.OrdinalIgnoreCase);
        var (status, text) = custody.Problem is null ? (200, "STARTED") : (503, "STOPPED");
        return new Answer(status, isHtml ? "text/html" : "text/plain", Encoding.UTF8.GetBytes(text));
    }

    private Answer Encrypt(EnclaveJson body) => Sealed(
        body, sealer.Seal(body.Bytes("data"), body.Key("senderKey"), body.Keys("recipientPublicKeys")));

    private Answer EncryptRaw(EnclaveJson body) => Sealed(body, sealer.SealFromRaw(body.Raw(), body.Keys("recipientPublicKeys")));

    /// <summary>With what the request says of privacy, and the proofs for the transactions that it affects (tessera 4.7).</summary>
    private Answer Sealed(EnclaveJson body, EncodedPayload made)
    {
        var group = body.Bytes("privacyGroupId");
        return Octets(LegacyPayloadCodec.Encode(made with
        {
            PrivacyMode = body.Mode("privacyMode"),
            AffectedTransactions = sealer.SecurityHashes(made.CipherText, body.Affected("affectedContractTransactions")),
            ExecutionHash = body.Bytes("execHash"),
            MandatoryRecipients = body.Keys("mandatoryRecipients"),
            PrivacyGroupId = group.Length > 0 ? group : null,
        }));
    }

    private Answer EncryptToRaw(EnclaveJson body)
    {
        var raw = sealer.SealRaw(body.Bytes("data"), body.Key("senderKey"));
        return Json(json =>
        {
            json.WriteStartObject();
            json.WriteBase64String("encryptedPayload", raw.CipherText);
            json.WriteBase64String("encryptedKey", raw.EncryptedKey);
            json.WriteBase64String("nonce", raw.Nonce);
            json.WriteBase64String("from", raw.SenderKey.Span);
            json.WriteEndObject();
        });
    }

    private Answer FindInvalid(EnclaveJson body)
    {
        var payload = body.Payload("encodedPayload");
        var invalid = sealer.InvalidSecurityHashes(
            payload.CipherText, payload.AffectedTransactions, body.Affected("affectedContractTransactions"));
        return Json(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("invalidSecurityHashes");
            foreach (var hash in invalid)
                json.WriteBase64StringValue(hash.ToArray());
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private static Answer Keys(IReadOnlyList<PublicKey> keys) => Json(json =>
    {
        json.WriteStartArray();
        foreach (var key in keys)
            json.WriteBase64StringValue(key.Span);
        json.WriteEndArray();
    });

    private static Answer Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, JsonOptions))
            write(writer);
        return new Answer(200, "application/json", buffer.WrittenMemory);
    }

    private static Answer Octets(ReadOnlySpan<byte> bytes) => new(200, OctetStream, bytes.ToArray());

    private static Answer Octets(byte[] bytes) => new(200, OctetStream, bytes);

    private static Answer Text(int status, string text) => new(status, "text/plain", Encoding.UTF8.GetBytes(text));

    private readonly record struct Answer(int Status, string Type, ReadOnlyMemory<byte> Body);
}
