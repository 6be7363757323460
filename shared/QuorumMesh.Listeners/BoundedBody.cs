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

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);

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
    /// <param name="wait">How long to wait, with nothing read, until the listener has room for the body and the work on it.</param>
    /// <param name="forms">In how many forms of its length the work will hold it.</param>
    /// <returns>Null when the body is longer than the limit.</returns>
    /// <exception cref="BudgetExceededException">The listener holds too much already.</exception>
    /// <exception cref="TimeoutException">The client took too long.</exception>
    public static async Task<BoundedBody?> ReadAsync(
        HttpRequest request, long limit, ByteBudget budget, TimeSpan? least = null, TimeSpan wait = default, int forms = 1)
    {
        var announced = request.ContentLength;
        // Refused before a byte of it is read.
        if (announced > limit) return null;
        var aborted = request.HttpContext.RequestAborted;
        if (wait > TimeSpan.Zero && announced > ByteLease.Free)
            await WaitForRoomAsync(budget, Math.Min(announced.Value * forms, budget.Limit), wait, aborted).ConfigureAwait(false);
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

    /// <summary>
    /// Reads off what is left of a body that nobody wants, so that a client that writes all of it sees the answer and no reset. It counts
    /// in no budget.
    /// </summary>
    /// <param name="most">A body that is announced as longer is left alone.</param>
    /// <returns>Whether it was read to its end.</returns>
    public static async Task<bool> DiscardAsync(HttpRequest request, long most)
    {
        // Who asks before he sends reads the answer first.
        if (request.ContentLength > most || request.Headers.Expect.Count > 0) return false;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(request.HttpContext.RequestAborted);
        deadline.CancelAfter(TransferTime.For(request.ContentLength ?? most));
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(32 * 1024);
        try
        {
            long total = 0;
            while (total <= most)
            {
                var read = await request.Body.ReadAsync(buffer, deadline.Token).ConfigureAwait(false);
                if (read == 0) return true;
                total += read;
            }
            return false;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return false;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The bytes in an array of their own length, without a copy where the length was announced.</summary>
    public byte[] ToArray()
    {
        if (_buffer.Length != _length) Array.Resize(ref _buffer, _length);
        return _buffer;
    }

    public void Dispose() => _lease.Dispose();

    /// <summary>Looks, and takes nothing: what is taken grows with what arrives.</summary>
    private static async Task WaitForRoomAsync(ByteBudget budget, long bytes, TimeSpan wait, CancellationToken aborted)
    {
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (budget.Held + bytes > budget.Limit)
        {
            if (System.Diagnostics.Stopwatch.GetElapsedTime(start) >= wait) throw new BudgetExceededException(budget);
            await Task.Delay(LookAgain, aborted).ConfigureAwait(false);
        }
    }

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
