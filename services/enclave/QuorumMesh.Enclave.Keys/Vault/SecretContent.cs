using System.Net;
using System.Net.Http.Headers;

namespace QuorumMesh.Enclave.Keys.Vault;

/// <summary>A JSON body sent straight from locked memory. The memory's owner wipes it after the exchange.</summary>
internal sealed class SecretContent : HttpContent
{
    private readonly ReadOnlyMemory<byte> _json;

    public SecretContent(ReadOnlyMemory<byte> json)
    {
        _json = json;
        Headers.ContentType = new MediaTypeHeaderValue("application/json");
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(_json).AsTask();

    protected override bool TryComputeLength(out long length)
    {
        length = _json.Length;
        return true;
    }
}
