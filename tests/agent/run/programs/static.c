/*
 * A program that libsonde cannot be preloaded into.
 */
int main(void)
{
	return 0;
}
