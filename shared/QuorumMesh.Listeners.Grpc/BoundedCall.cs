using System.IO.Pipelines;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace QuorumMesh.Listeners.Grpc;

/// <summary>
/// What one call holds: its request and what its work takes until the call is over, then its answer until the client has taken it.
/// </summary>
internal sealed class BoundedCall : IRequestBodyPipeFeature, IHttpResponseBodyFeature, IDisposable
{
    private readonly IHttpResponseBodyFeature _response;
    private readonly ByteLease _request;
    private readonly ByteLease _answer;
    private readonly TimedWriter _writer;
    private bool _isLong;

    public BoundedCall(HttpContext http, ByteBudget budget, TimeSpan least)
    {
        (_request, Work, _answer) = (budget.Lease(), budget.Lease(), budget.Lease());
        _response = http.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        _writer = new TimedWriter(_response.Writer, http, least);
        Reader = new BoundedReader(http.Request.BodyReader, _request, least);
        http.Features.Set(this);
        http.Features.Set<IRequestBodyPipeFeature>(this);
        http.Features.Set<IHttpResponseBodyFeature>(this);
    }

    /// <summary>What the service itself takes while it works on the call.</summary>
    public ByteLease Work { get; }

    public PipeReader Reader { get; }

    public Stream Stream => _response.Stream;

    public PipeWriter Writer => _writer;

    /// <exception cref="RpcException">RESOURCE_EXHAUSTED.</exception>
    public static RpcException Refusal(ByteBudget budget) =>
        new(new Status(StatusCode.ResourceExhausted, new BudgetExceededException(budget).Message));

    /// <summary>
    /// A long message counts twice while both are there, its bytes and the object that is made of them or that they are made of.
    /// </summary>
    public static bool TryHoldBoth(ByteLease lease, long bytes) => lease.TryHold(bytes > ByteLease.Free ? 2 * bytes : bytes);

    /// <param name="bytes">Of the answer that the service gave.</param>
    /// <exception cref="RpcException">It does not fit.</exception>
    public void Hold(long bytes)
    {
        if (!TryHoldBoth(_answer, bytes)) throw Refusal(_answer.Budget);
        // What the service still has of its work is in the answer, and that is counted now.
        Work.Dispose();
        _isLong = bytes > ByteLease.Free;
    }

    /// <summary>Waits until the client has taken a long answer: gRPC leaves it to the server, which would keep it uncounted.</summary>
    public async Task SendAsync()
    {
        _request.Dispose();
        Work.Dispose();
        if (_isLong) await _writer.FlushAsync().ConfigureAwait(false);
    }

    public void Dispose()
    {
        _request.Dispose();
        Work.Dispose();
        _answer.Dispose();
    }

    public void DisableBuffering() => _response.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => _response.StartAsync(cancellationToken);

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        _response.SendFileAsync(path, offset, count, cancellationToken);

    public Task CompleteAsync() => _response.CompleteAsync();
}
