using Microsoft.AspNetCore.Http;

namespace QuorumMesh.Listeners;

/// <summary>
/// The whole body of a request in one piece, which grows with what arrives, not with what is announced. It holds its share of the
/// listener's budget until it is disposed.
/// </summary>
public sealed class BoundedBody : IDisposable
{
    private const int FirstBuffer = 8 * 1024;
    private const int MaxStep = 8 << 20;

    private readonly ByteLease _lease;
    private byte[] _buffer;
    private int _length;

    private BoundedBody(ByteBudget budget, long? announced)
    {
        _lease = budget.Lease();
        _buffer = new byte[Math.Min(announced ?? FirstBuffer, FirstBuffer)];
    }

    /// <summary>The body; not to be used after disposal.</summary>
    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <param name="limit">Longest body, in bytes.</param>
    /// <param name="least">Time for a short body; see <see cref="TransferTime"/>.</param>
    /// <returns>Null when the body is longer than the limit.</returns>
    /// <exception cref="BudgetExceededException">The listener holds too much already.</exception>
    /// <exception cref="TimeoutException">The client took too long.</exception>
    public static async Task<BoundedBody?> ReadAsync(HttpRequest request, long limit, ByteBudget budget, TimeSpan? least = null)
    {
        var announced = request.ContentLength;
        // Refused before a byte of it is read.
        if (announced > limit) return null;
        var aborted = request.HttpContext.RequestAborted;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        var time = TransferTime.For(announced ?? limit, least ?? TransferTime.Least);
        deadline.CancelAfter(time);
        var body = new BoundedBody(budget, announced);
        var isWhole = false;
        try
        {
            isWhole = await body.FillAsync(request.Body, announced, limit, deadline.Token).ConfigureAwait(false);
            return isWhole ? body : null;
        }
        catch (OperationCanceledException e) when (!aborted.IsCancellationRequested)
        {
            throw new TimeoutException($"the request was not there after {time.TotalSeconds:0} s", e);
        }
        finally
        {
            if (!isWhole) body.Dispose();
        }
    }

    /// <summary>The bytes in an array of their own length, without a copy where the length was announced.</summary>
    public byte[] ToArray()
    {
        if (_buffer.Length != _length) Array.Resize(ref _buffer, _length);
        return _buffer;
    }

    public void Dispose() => _lease.Dispose();

    private async Task<bool> FillAsync(Stream stream, long? announced, long limit, CancellationToken stop)
    {
        while (_length != announced)
        {
            if (_length == _buffer.Length) Grow(announced ?? long.MaxValue);
            var read = await stream.ReadAsync(_buffer.AsMemory(_length), stop).ConfigureAwait(false);
            if (read == 0) break;
            _length += read;
            if (_length > limit) return false;
        }
        return true;
    }

    private void Grow(long most)
    {
        var size = (int)Math.Min(most, checked(_buffer.Length + Math.Min(_buffer.Length, MaxStep)));
        // Both buffers are there while one is copied into the other.
        if (!_lease.TryHold((long)size + _length) || !_lease.TryHold(size)) throw new BudgetExceededException(_lease.Budget);
        Array.Resize(ref _buffer, size);
    }
}
